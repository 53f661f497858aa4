"""What render answers, over HTTP and over NATS."""
