"""Imported by the `__main__` beside it."""
