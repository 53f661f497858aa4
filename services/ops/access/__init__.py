"""Who may come in: API keys, revocations, and the audit of what was done with credentials."""
