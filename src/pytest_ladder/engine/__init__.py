"""Effects without vendors: asking, bounding, recording."""
