"""Prompts in, datasets out: sources, splits, tables and their cards."""
