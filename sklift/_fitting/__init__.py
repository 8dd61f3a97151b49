"""From validated input to a trained net."""
