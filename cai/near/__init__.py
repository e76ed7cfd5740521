"""Near-duplicates of texts: MinHash finds the candidates, an exact comparison decides."""
