"""What other programs' edits mean in ours. Pure."""
