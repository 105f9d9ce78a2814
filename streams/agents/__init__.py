"""Thin shells around the pure zones: they bring the values and carry the answer."""
