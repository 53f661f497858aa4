"""Segments and chunks that exist, and the format of their files."""
