"""Faults of collections of labelled pictures, one kind of evidence in each module."""
