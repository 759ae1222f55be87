"""What a command writes: its result into a file, its report, and the command lines to go on with."""
