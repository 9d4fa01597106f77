"""From a prompt file, worked examples and documents to one answer: what every kind of rung shares."""
