"""`cai run`: a chain of stages, each its own process, each run again only if what it depends on has changed."""
