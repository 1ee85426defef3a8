"""Pictures, in whatever way the terminal can show them."""
