"""What several commands share when they run: keys, stores, runs, and what they tell."""
