"""The small language model of the examples: its language, its training, its adapter."""
