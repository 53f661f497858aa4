"""A sequence as the timeline that others see, and what differs between two of them. Pure."""
