"""The policies, as data and pure functions: text in, findings out."""
