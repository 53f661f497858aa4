"""Makes what is missing of a version, and the whole of it."""
