"""A text and a configuration become a plan. Plain data: no torch, no textual, no printing."""
