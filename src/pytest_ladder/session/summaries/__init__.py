"""A finished ladder as records: for reports, and for the commands."""
