"""Options that several commands share; each group of them arrives in a command as one value."""
