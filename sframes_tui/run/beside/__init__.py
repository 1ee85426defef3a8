"""What goes on beside the drawing; nothing here decides a picture."""
