"""Trajectories made elsewhere, read from a file into a run directory like our own."""
