"""Our two datasets in the files that other trainers read: one module a trainer."""
