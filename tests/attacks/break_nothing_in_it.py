"""The file is empty."""


def hand_in(path, notebook):
    path.write_bytes(b"")


SAYS = "The file is empty"
