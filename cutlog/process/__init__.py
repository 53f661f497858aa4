"""What any process needs, whatever it serves: how it starts, waits, stops, and says that it is not ready."""
