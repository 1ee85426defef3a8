"""The log, and long texts line by line."""
