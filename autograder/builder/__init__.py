"""From percent scripts to executed solution notebooks and released ones: `python -m autograder.builder`."""
