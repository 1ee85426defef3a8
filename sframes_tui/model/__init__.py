"""What is known of a model from its files, without loading it."""
