"""The `ladder` command."""
