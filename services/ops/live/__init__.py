"""What happens to projects, as it happens."""
