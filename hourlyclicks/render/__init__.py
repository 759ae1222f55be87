"""What people look at: words, tables, pictures, the coverage of a store. No click, no network."""
