"""What the device has, and what is asked of it."""
