"""The editing engine: functions from a sequence and an op to the next sequence. Pure."""
