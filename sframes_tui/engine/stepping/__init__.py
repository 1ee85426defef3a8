"""Rows of frames at their own steps, denoised together."""
