"""Classes: their labels, names, prompts and priors."""
