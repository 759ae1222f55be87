"""What the commands of ``hourlyclicks fleet`` do."""
