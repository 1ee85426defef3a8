"""The story: its tree and what stands above it."""
