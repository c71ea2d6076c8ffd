"""What strangers' files, commands and signals do to the product, counted: `python -m compare reliability`."""
