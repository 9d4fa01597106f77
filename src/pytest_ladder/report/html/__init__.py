"""The report for people: one HTML file that holds all it needs."""
