"""In the place of the submission's folder is a file."""


def hand_in(path, notebook):
    path.parent.rmdir()
    path.parent.write_bytes(notebook)


SAYS = "is not a folder"
