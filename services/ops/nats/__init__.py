"""What ops answers over NATS, and what it makes there."""
