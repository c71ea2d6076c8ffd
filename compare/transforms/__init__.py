"""Every layer and mode through every transformation a program can apply to it, held to a float64 oracle."""
