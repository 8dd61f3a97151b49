"""Classes: their labels, names, prompts, priors and moments."""
