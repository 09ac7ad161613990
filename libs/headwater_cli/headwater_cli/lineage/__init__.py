"""Where an answer comes from: what the topics tell, and the spans that were kept."""
