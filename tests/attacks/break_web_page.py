"""The file is the page that a learning platform shows instead of the download."""


def hand_in(path, notebook):
    path.write_text("<!doctype html><title>Please log in</title>")


SAYS = "not a readable notebook"
