"""Beside the notebook lie a configuration of nbgrader and a gradebook."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "nbgrader_config.py").write_text("raise SystemExit('taken over')")
    (path.parent / "gradebook.db").write_text("no database")
    (path.parent / "feedback").mkdir()
    (path.parent / "feedback" / "x.html").write_text("x")


POINTS = 2.0
