"""The quiz at the end of a chapter: reading, marking, showing."""
