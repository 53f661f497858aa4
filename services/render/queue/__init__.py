"""Which versions are wanted, who renders them, and what became of it."""
