"""What each backend can do to a function: one file per backend, found by its name."""
