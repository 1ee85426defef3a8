"""The configuration, edited by keys."""
