"""What a version sounds like: chunks, levels, filters and treatments. Pure."""
