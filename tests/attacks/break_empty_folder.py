"""The folder is empty."""


def hand_in(path, notebook):
    pass


SAYS = "nothing named 02_attention_mechanism.ipynb"
