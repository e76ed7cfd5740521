"""Engines: whatever runs a model, behind one protocol. Importing this loads no engine."""
