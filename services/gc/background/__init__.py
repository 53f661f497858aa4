"""What happens by itself: plans on a schedule, and archived media that come back."""
