"""Resumable uploads: their rows, and where their bytes are held."""
