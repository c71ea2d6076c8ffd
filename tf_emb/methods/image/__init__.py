"""Vectors of pictures: a small residual network, its losses, and random distortions."""
