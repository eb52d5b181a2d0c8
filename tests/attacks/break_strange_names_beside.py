"""Names of files are patterns, options, paths of another system, and no text."""

import os

NAMES = ("-rf", "*", "[ab]?.txt", "..\\..\\x.py", "$(touch x)", "a\nb.txt", " ", "~", "{student_id}", "CON", "é" * 100)


def hand_in(path, notebook):
    path.write_bytes(notebook)
    for name in NAMES:
        (path.parent / name).write_text(name)
    with open(os.fsencode(path.parent) + b"/\xff\xfe.txt", "w") as file:
        file.write("no text")


POINTS = 2.0
