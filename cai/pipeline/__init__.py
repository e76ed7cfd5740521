"""Runs the generation stage: from prompts to a finished run directory."""
