"""What a new project begins with: files as data in `sandbox/` and `general/`, written into a folder by `project`."""
