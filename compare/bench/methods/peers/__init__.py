"""Peers written here because no library has them, and the data they share with ours."""
