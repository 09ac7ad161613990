"""What makes an answer: evidence, sentences, citations and prompts."""
