"""What hostile notebooks try, one file each in `attacks/`, and honest ones that look odd: what they earn, and what they leave.

A file has the source of the cell of `softmax` (`CELL`), the points that it must earn (`POINTS`), where that matters a word of the
message (`SAYS`), and `REST = False` where what comes after in the same process may be lost. (Those that are to break a whole
batch have no `CELL`: see `test_breaking`.)
"""

import os
import socket
import threading
from contextlib import closing

import attack_files
import nbformat
import odd_notebooks
import psutil
import pytest
import torch

from autograder.framework.isolation import sandbox, server
from autograder.framework.isolation.limits import Limits
from autograder.run import GradingRun
from autograder.submission.taking_in import take_in
from utils.manifest import load

ATTACKS = [name for name in attack_files.names() if not name.startswith("break_")]
SOCKET = f"course-secret-{os.getpid()}"
LEFT = "left-by-an-attack"
PRELUDE = """import torch

def _right(x, dim=-1):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)

"""
needs_sandbox = pytest.mark.skipif(sandbox.why_not() is not None, reason=str(sandbox.why_not()))


@pytest.fixture(scope="module")
def released():
    return nbformat.read(load().released_notebook(odd_notebooks.CHAPTER), as_version=4)


@pytest.fixture(scope="module")
def listening():
    """A server on this machine; its port, and how often it was called."""
    calls = []
    with closing(socket.create_server(("127.0.0.1", 0))) as line, closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(f"\0{SOCKET}")
        other.listen()

        def answer(listener):
            while True:
                try:
                    listener.accept()
                except OSError:
                    return
                calls.append(1)

        for listener in (line, other):
            threading.Thread(target=answer, args=(listener,), daemon=True).start()
        yield line.getsockname()[1], calls


@pytest.fixture
def secret(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_SECRET", "sesame")
    path = tmp_path / "secret.txt"
    path.write_text("sesame")
    (tmp_path / "submission-of-another").mkdir()
    return path


@needs_sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_it_earns_what_it_deserves_and_leaves_nothing(name, released, listening, secret):
    assert server.start(), "answers of these tests run in the sandbox"
    tried = attack_files.load(name)
    port, calls = listening
    before = torch.equal, len(calls)
    notebook = odd_notebooks.right()
    of_the_cell = tried.CELL.strip().startswith("%%")  # a magic that must come first
    source = tried.CELL.strip().replace("@SECRET@", str(secret)).replace("@PORT@", str(port)).replace("@SOCKET@", SOCKET)
    odd_notebooks.cell(notebook, "softmax").source = source if of_the_cell else PRELUDE + source
    if of_the_cell:
        notebook.cells.insert(odd_notebooks.place(notebook, "softmax"), odd_notebooks.code(PRELUDE))
    taken = take_in(notebook, released)
    with GradingRun(odd_notebooks.CHAPTER, taken, limits=Limits(cell_seconds=4)) as run:
        graded = {step.graded.grade_id: step.graded for step in run.steps(taken.cells) if step.graded is not None}
        assert not run.faults
    assert graded["check-softmax"].points == tried.POINTS, graded["check-softmax"].message
    assert getattr(tried, "SAYS", "") in graded["check-softmax"].message
    if getattr(tried, "REST", True):
        assert {id: graded[id].points for id in ("check-attention_scores", "check-quiz")} == {
            id: odd_notebooks.FULL[id] for id in ("check-attention_scores", "check-quiz")
        }
    assert secret.read_text() == "sesame" and (torch.equal, len(calls)) == before
    assert not any(LEFT in place for place in (*os.listdir("/tmp"), *os.listdir("/dev/shm")))
    left = [each for each in psutil.process_iter(["cmdline"]) if LEFT in " ".join(each.info["cmdline"] or [])]
    assert not psutil.wait_procs(left, timeout=5)[1]


def test_there_is_an_attack_of_every_kind():
    kinds = {name.split("_")[0] for name in attack_files.names()}
    assert kinds == {"forge", "read", "write", "exhaust", "survive", "break", "honest"}
    assert len(ATTACKS) >= 40
