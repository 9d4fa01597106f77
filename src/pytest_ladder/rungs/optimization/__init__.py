"""The rung `optimize`, and what its search writes."""
