"""The only home of files and their schemas."""
