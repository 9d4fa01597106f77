"""Has a model behind a name changed? Recorded answers and verdicts are asked for again."""
