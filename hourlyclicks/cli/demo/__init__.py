"""What the demonstration consists of: its server, its killed process, its store."""
