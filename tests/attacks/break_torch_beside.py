"""Files beside the notebook have the names of libraries, and of the modules of the grader."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    for name in ("torch.py", "nbformat.py", "utils.py", "autograder.py", "json.py", "sitecustomize.py", "conftest.py"):
        (path.parent / name).write_text("raise SystemExit('taken over')")


POINTS = 2.0
