"""The rungs that retrieve, and each step of retrieval."""
