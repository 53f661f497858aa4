"""A real clip for the demo, with its licence beside it."""
