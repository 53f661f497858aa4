"""What is checked and repaired while nobody asks."""
