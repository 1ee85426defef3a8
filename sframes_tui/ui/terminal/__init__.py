"""The terminal: what it can show, what it sends, what goes around the screen."""
