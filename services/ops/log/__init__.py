"""The event log: append with group commit, read, and the relay that publishes it to JetStream."""
