"""Tells an answer that refuses from one that does not, by patterns and rules; it needs no model."""
