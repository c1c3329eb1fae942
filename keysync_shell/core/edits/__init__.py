"""What each editing command does to a state."""
