"""Doors to the libraries of towers: the names of their inner parts, one module for each."""
