"""What the log says of objects and what refers to them, as rows."""
