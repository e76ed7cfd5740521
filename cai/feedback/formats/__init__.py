"""Files of human feedback, one reader a format: rows to judgements. They know no run."""
