"""The embedded sandbox: a small synthetic world, its exact oracle, and the language model trained on it.

The rest of the program does not know this package; only the command line asks the oracle what happened.
"""

MODEL_NAME = "cai-sandbox"
