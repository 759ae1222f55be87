"""What each command does; imported when it runs, so that its help is quick."""
