"""Text and configuration become frames, each with its identity."""
