"""The file is saved in an encoding of the eighties."""


def hand_in(path, notebook):
    path.write_bytes(notebook.replace(b"import torch", "# Übung\\nimport torch".encode("latin-1")))


SAYS = "not a text file"
