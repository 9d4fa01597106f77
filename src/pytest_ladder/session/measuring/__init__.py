"""One rung: its answers asked for, scored, and graded."""
