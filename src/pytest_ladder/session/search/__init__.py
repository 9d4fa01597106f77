"""The search of the rung `optimize`: prompts that are tried, and raced."""
