"""New red-team prompts from seeds: by few-shot generation and by transformations, without copies."""
