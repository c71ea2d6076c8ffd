"""Known divergences of the frameworks themselves, each declared and cited."""
