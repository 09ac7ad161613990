"""What index knows of documents and the store: versions, rows, drift, rebuilds. No input or output."""
