"""Training by blocks: the step of many centres at once, for every objective."""
