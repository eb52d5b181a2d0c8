"""The notebook is a link to a device that never ends."""


def hand_in(path, notebook):
    path.symlink_to("/dev/zero")


SAYS = "is a link"
