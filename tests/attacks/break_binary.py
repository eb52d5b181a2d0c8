"""The file is a picture."""


def hand_in(path, notebook):
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100)


SAYS = "not a text file"
