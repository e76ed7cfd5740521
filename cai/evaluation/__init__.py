"""Measures what training changed: refusals, harm, preferences between models, collapse."""
