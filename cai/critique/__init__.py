"""Critique modes: how an answer is criticised under a principle."""
