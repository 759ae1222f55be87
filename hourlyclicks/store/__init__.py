"""Days that stay: what was asked and answered, kept on disk, and the limits that several processes share."""
