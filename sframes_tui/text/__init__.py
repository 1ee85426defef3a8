"""A text file becomes chapters and prompts."""
