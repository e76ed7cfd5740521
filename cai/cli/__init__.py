"""The commands. Each parses its arguments, calls one function and prints; heavy imports happen inside the call."""
