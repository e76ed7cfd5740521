"""Files of comparisons, whoever made them: read, labelled, and measured against what the file says is right."""
