"""Values: what is asked, and what is known of it. Nothing here does I/O."""
