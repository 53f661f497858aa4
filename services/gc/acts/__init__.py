"""What moves and removes files: what an admin asked for, and what follows from the log."""
