"""Red teaming: prompts with which a model learns, and is shown, to decline."""
