"""The file is JSON, and no notebook."""


def hand_in(path, notebook):
    path.write_text("[1, 2]")


SAYS = "not a readable notebook"
