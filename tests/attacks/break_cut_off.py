"""The file ends in its middle, as after a lost connection."""


def hand_in(path, notebook):
    path.write_bytes(notebook[: len(notebook) // 2])


SAYS = "not a readable notebook"
