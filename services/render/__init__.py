"""Turns versions into films: plans what is missing, renders that, and stitches."""
