"""Callbacks: what happens around the training step."""
