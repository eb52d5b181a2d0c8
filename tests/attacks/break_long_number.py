"""A number in the file has a hundred thousand digits."""


def hand_in(path, notebook):
    assert b'"nbformat": 4' in notebook
    path.write_bytes(notebook.replace(b'"nbformat": 4', b'"nbformat": 4' + b"0" * 100_000, 1))


SAYS = "not a readable notebook"
