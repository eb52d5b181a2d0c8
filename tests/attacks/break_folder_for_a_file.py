"""In the place of the notebook is a folder."""


def hand_in(path, notebook):
    path.mkdir()
    (path / path.name).write_bytes(notebook)


SAYS = "is a folder"
