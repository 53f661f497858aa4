"""What a service is to those who run it: its settings, its proof, its log."""
