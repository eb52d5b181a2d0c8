"""The time of the submission is a link to a device that never ends."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").symlink_to("/dev/zero")


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
