"""Which objects may go and why, as rules over facts. Pure."""
