"""A model is found, looked over and loaded."""
