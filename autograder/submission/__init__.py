"""Takes a submission in: `reading.py` from a file's bytes to cells, `taking_in.py` from these to the chapter's notebook."""
