"""Statements of the web layer, each in the file of its name."""
