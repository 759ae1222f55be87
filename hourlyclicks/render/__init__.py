"""What people look at: words, tables, pictures, the coverage of a store. No click, no network.

Values become text or pictures; the command line and programs decide where these go.
"""
