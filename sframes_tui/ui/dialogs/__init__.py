"""What is asked and told above the main screen."""
