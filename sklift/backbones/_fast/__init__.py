"""Faster ways to compute a tower."""
