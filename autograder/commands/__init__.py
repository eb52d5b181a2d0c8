"""What `course.py` starts inside `.venv`, one module a command. Notebooks never import this package."""

from autograder.terminal import speak_plainly

speak_plainly()
