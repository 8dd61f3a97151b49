"""Classes: their labels, names, prompts, priors, moments, and trust in predictions."""
