"""The notebook's metadata are nested ten thousand deep."""


def hand_in(path, notebook):
    deep = b"[" * 10_000 + b"]" * 10_000
    assert b'"metadata": {' in notebook
    path.write_bytes(notebook.replace(b'"metadata": {', b'"metadata": {"deep": ' + deep + b", ", 1))


SAYS = "not a readable notebook"
