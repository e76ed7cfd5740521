"""The constitution: what it may say, how it is read, and how a principle is drawn from it."""
