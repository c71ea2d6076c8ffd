"""How good our vectors are beside those of our peers."""
