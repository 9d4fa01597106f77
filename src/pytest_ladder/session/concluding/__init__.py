"""What the measured rungs of a ladder come to: which run, which is selected, and what the gate says."""
