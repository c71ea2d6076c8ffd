"""What the documentation shows, made by commands: tables and pictures."""
