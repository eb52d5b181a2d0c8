"""Two notebooks of the chapter lie there, and neither has its name."""


def hand_in(path, notebook):
    for name in ("first.ipynb", "final.ipynb"):
        path.with_name(name).write_bytes(notebook)


SAYS = "it is called final.ipynb and first.ipynb"
