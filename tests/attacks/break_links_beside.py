"""Beside the notebook lie links: to the gradebook, to other submissions, to the whole machine, to themselves, to nothing."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    folder = path.parent
    targets = {"book.db": path.parents[3] / "gradebook.db", "others": path.parents[2], "all": "/", "loop": folder / "loop"}
    for name, target in {**targets, "up": "..", "self": ".", "nothing": "nowhere", "zero": "/dev/zero"}.items():
        (folder / name).symlink_to(target)


POINTS = 2.0
BESIDE = ()
