"""The notebook's cells are no list."""

import json


def hand_in(path, notebook):
    path.write_text(json.dumps({**json.loads(notebook), "cells": {"a": 1}}))


SAYS = "no list of cells"
