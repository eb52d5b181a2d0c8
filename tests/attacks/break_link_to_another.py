"""The notebook is a link to another learner's."""


def hand_in(path, notebook):
    another = path.parents[2] / "zz-sound" / path.parent.name / path.name
    path.symlink_to(another)


SAYS = "is a link"
