"""Judges: networks that say what they see in a picture."""
