"""Pictures. torch and diffusers are imported here and nowhere else, and not by `protocol`."""

import os

# Read when diffusers is imported, which may be for another reason than to load a model.
os.environ.setdefault("DIFFUSERS_DISABLE_REMOTE_CODE", "1")
