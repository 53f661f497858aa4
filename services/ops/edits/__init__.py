"""The editing engine: pure functions from a sequence and an op to the next sequence. No I/O, no clock."""
