"""The file is a list in a list, ten thousand times."""


def hand_in(path, notebook):
    path.write_bytes(b"[" * 10_000 + b"]" * 10_000)


SAYS = "not a readable notebook"
