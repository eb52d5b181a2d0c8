"""A learner's notebook and library, for the tests of `my` and of what is saved."""

import os
import subprocess
import sys
import textwrap

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.notebook import passes_alone
from utils import library
from utils.manifest import load


class Notebook:
    """An IPython shell: cells are run as a learner runs them."""

    def __init__(self):
        config = Config()
        config.HistoryManager.enabled = False
        self._shell = InteractiveShell(config=config)
        self.names = self._shell.user_ns

    def run(self, *cells):
        for cell in cells:
            self._shell.run_cell(textwrap.dedent(cell), store_history=True)
        return self

    def keep(self, name):
        return library.keep(name, [cell for cell in self.names["In"] if cell], self.names, passes_alone(name))

    def passes(self, name):
        library.passed(name, self.names[name])
        return self.keep(name)


def outside(home, code):
    """What plain Python prints for `code` in the folder above the library, with `utils` installed."""
    environment = {**os.environ, "PYTHONPATH": str(load().root), "COURSE_LIBRARY": str(home)}
    ran = subprocess.run([sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def text(home, file="attention_mechanism.py"):
    return (home / "my_transformer" / file).read_text(encoding="utf-8")
