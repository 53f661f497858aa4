"""What the store holds, what of it may go, and why the rest stays. Removes nothing."""
