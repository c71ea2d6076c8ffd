"""What is claimed, grouped as the library is. A module that defines `CASES` is found by itself."""
