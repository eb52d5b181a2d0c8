"""Every cell stands there three times, with the same ids."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    path.write_text(json.dumps({**loaded, "cells": loaded["cells"] * 3}))


POINTS = 2.0
