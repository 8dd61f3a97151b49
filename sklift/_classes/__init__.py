"""Labels, names, prompts and priors."""
