"""Filters: what is left out of a run's prompts and of its datasets, each with a reason that is counted."""
