"""The time of the submission is a link to a device that never ends."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").symlink_to("/dev/zero")


POINTS = 2.0
