"""Joins the siblings: files to systems to evaluations to entries, for the plugin and the command alike."""
