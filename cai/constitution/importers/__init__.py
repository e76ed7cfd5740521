"""Constitutions of other projects, read into ours: one file a format, one dictionary of them in `build`."""
