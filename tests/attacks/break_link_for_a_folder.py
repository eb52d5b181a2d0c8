"""The whole submission is a link to another learner's."""


def hand_in(path, notebook):
    path.parent.rmdir()
    path.parent.symlink_to(path.parents[2] / "zz-sound" / path.parent.name)


SAYS = "is a link"
