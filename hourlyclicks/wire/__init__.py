"""Between values and bytes: requests are built, answers judged and decoded. Nothing here does I/O."""
