"""Projects as they stand at any version, and the way of a command from asking to appending."""
