"""The folder has no notebook."""


def hand_in(path, notebook):
    (path.parent / "essay.txt").write_text("Dear teacher")


SAYS = "nothing named 02_attention_mechanism.ipynb"
