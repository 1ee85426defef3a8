"""The screen. The only package that imports textual; must not import torch or an engine."""
