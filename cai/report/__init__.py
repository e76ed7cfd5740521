"""The report: one self-contained page that shows what a run, a recipe or an evaluation did. Reads files only."""
