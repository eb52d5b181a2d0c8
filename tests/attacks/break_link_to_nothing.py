"""The notebook is a link to nothing."""


def hand_in(path, notebook):
    path.symlink_to("nowhere.ipynb")


SAYS = "is a link"
