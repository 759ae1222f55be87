"""Files that are there as a whole or not at all, and paths that name no plain file."""
