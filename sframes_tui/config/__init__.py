"""The options, their file, and its editing."""
