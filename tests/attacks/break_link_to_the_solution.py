"""The notebook is a link to the solution."""


def hand_in(path, notebook):
    course = path.parents[4]
    path.symlink_to(course / "solutions" / path.parent.name / path.name)


SAYS = "is a link"
