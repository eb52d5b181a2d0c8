"""Folders lie in folders, deeper than a path can be long."""

import os


def hand_in(path, notebook):
    path.write_bytes(notebook)
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        for _ in range(60):
            os.mkdir("d" * 100)
            os.chdir("d" * 100)
        with open("deep.txt", "w") as file:
            file.write("deep")
    finally:
        os.chdir(before)


POINTS = 2.0
