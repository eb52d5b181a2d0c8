"""The notebook is a link to itself."""


def hand_in(path, notebook):
    path.symlink_to(path)


SAYS = "is a link"
