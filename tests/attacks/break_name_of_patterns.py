"""The learner's name is a pattern, and a template."""

STUDENT = "[ab]*? {student_id} %s (.*"


def hand_in(path, notebook):
    path.write_bytes(notebook)


POINTS = 2.0
