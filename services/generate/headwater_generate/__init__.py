"""Questions to cited answers."""
