"""Values: what is asked, and what is known of it.

No request is sent here and no store is opened. Only exports write, into the file that they are given.
"""
