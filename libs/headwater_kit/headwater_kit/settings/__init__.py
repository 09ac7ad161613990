"""Environment to typed settings, once, at the edge."""
