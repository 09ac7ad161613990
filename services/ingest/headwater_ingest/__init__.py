"""Documents in: parsing, chunking, versions."""
