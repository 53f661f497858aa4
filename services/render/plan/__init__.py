"""What a version looks like as spans and segments, each named by all that its pixels depend on. Pure."""
