"""Metrics that a model judges: asked, recorded, priced, and held against people's labels."""
