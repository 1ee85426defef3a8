"""S-Frames: draw a story from a terminal."""

__version__ = "0.1.0"
