"""The file begins with a mark of its byte order, as Windows' Notepad writes it."""


def hand_in(path, notebook):
    path.write_bytes(b"\xef\xbb\xbf" + notebook)


POINTS = 2.0
