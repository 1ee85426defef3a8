"""The bench for a GPU, in sections; `__main__` puts them in order."""
