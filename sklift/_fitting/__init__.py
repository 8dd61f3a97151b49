"""Fitting: the steps from validated input to a trained net."""
