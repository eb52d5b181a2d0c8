"""Beside the notebook are a pipe and a socket."""

import os
import socket


def hand_in(path, notebook):
    path.write_bytes(notebook)
    os.mkfifo(path.parent / "pipe")
    before = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.bind("socket")
    finally:
        os.chdir(before)


POINTS = 2.0
BESIDE = ()
