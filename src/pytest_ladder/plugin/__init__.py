"""The only home of pytest."""
