"""What `course.py test` needs beside the tests: programs of the machine, and a plugin of pytest."""
