"""Training by blocks: one step for many centres at once, for every objective."""
