"""What a run keeps on disk: its folder, its journal, and files that are either whole or absent."""
