"""What reads need of the log, as rows: derived in the transaction that appends, so a read after a write sees it."""
