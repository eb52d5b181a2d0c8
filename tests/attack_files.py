"""The files of `attacks/`: one attack each, or one honest notebook that looks odd. What they are aimed at stands here, too."""

import importlib.util
import os
import socket
import threading
from pathlib import Path

import odd_notebooks
import psutil

FOLDER = Path(__file__).with_name("attacks")
LEFT = "left-by-an-attack"
_SECRET = "sesame"
_PRELUDE = """import torch

def _right(x, dim=-1):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)

"""


def names():
    """Of all of them; the part before the first underscore is the class."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def load(name):
    """The module of an attack."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Targets:
    """What attacks are aimed at in the place of the real thing: a secret in a file and in the environment, servers."""

    def __init__(self, folder):
        """`folder` is there, and empty."""
        self.secret = Path(folder, "secret.txt")
        self.secret.write_text(_SECRET)
        Path(folder, "submission-of-another").mkdir()
        self._socket = f"course-secret-{os.getpid()}"
        self._lines = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self._lines[1].bind(f"\0{self._socket}")
        self._lines[1].listen()
        self._calls = []

    def __enter__(self):
        os.environ["COURSE_SECRET"] = _SECRET
        for line in self._lines:
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()
        return self

    def __exit__(self, *_):
        del os.environ["COURSE_SECRET"]
        for line in self._lines:
            line.close()

    def _answer(self, line):
        while True:
            try:
                line.accept()
            except OSError:
                return
            self._calls.append(line)

    def notebook(self, attack):
        """The notebook in which the cell of an attack stands, aimed at these targets."""
        notebook, source = odd_notebooks.right(), attack.CELL.strip()
        port = self._lines[0].getsockname()[1]
        for word, target in {"@SECRET@": self.secret, "@PORT@": port, "@SOCKET@": self._socket}.items():
            source = source.replace(word, str(target))
        of_the_cell = source.startswith("%%")  # a magic that must come first
        odd_notebooks.cell(notebook, "softmax").source = source if of_the_cell else _PRELUDE + source
        if of_the_cell:
            notebook.cells.insert(odd_notebooks.place(notebook, "softmax"), odd_notebooks.code(_PRELUDE))
        return notebook

    def harm(self):
        """What attacks have done to the machine, in words; what was found is forgotten."""
        places = [place for folder in ("/tmp", "/dev/shm") for place in os.listdir(folder) if LEFT in place]
        processes = [each for each in psutil.process_iter(["cmdline"]) if LEFT in " ".join(each.info["cmdline"] or [])]
        _, processes = psutil.wait_procs(processes, timeout=5)
        found = {
            "changed a file": self.secret.read_text() != _SECRET,
            "called a server": bool(self._calls),
            "left a file": bool(places),
            "left a process": bool(processes),
        }
        self._calls.clear()
        return [words for words, happened in found.items() if happened]
