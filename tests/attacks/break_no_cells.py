"""The notebook's list of cells is empty."""

import json


def hand_in(path, notebook):
    path.write_text(json.dumps({**json.loads(notebook), "cells": []}))


POINTS = 0.0
