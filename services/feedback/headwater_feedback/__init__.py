"""What users made of answers, and what was learned."""
