"""A ladder against a git ref."""
