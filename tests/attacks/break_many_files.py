"""Two thousand files lie beside the notebook."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    for number in range(2000):
        (path.parent / f"{number:04}.txt").write_text(str(number))


POINTS = 2.0
