"""Pictures. torch and diffusers are imported here and nowhere else, and not by `protocol`."""
