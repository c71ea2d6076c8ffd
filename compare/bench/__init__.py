"""Speed and quality beside peers: one harness, one folder per subject."""
