"""Flaws that can be seen in a text alone, with no model: cut off, repeating itself, unchanged, in the wrong role."""
