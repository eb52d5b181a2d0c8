"""Processes of answers: what goes through the pipe, what ends them, and that nothing of theirs is left."""

import os
import struct
import subprocess
import sys
import time

import psutil
import pytest
import torch

from autograder.framework.component import Drawn, component
from autograder.framework.expect import Other
from autograder.framework.happening import Happening, What
from autograder.framework.isolation import line, wire
from autograder.framework.isolation.process import Process, RemoteCandidate
from autograder.framework.isolation.replies import checked
from utils.manifest import ROOT


def test_values_come_back_as_they_went():
    message = {
        "none": None, "numbers": [1, 2.5, float("inf"), True], "pair": (torch.arange(3), torch.ones(2, dtype=torch.bool)),
        "text": "λ", "dtype": torch.float64, "nest": {"a": [torch.zeros(0, 3)]},
    }  # fmt: skip
    back = wire.unpack(wire.pack(message))
    assert back["numbers"] == [1, 2.5, float("inf"), True] and back["numbers"][3] is True
    assert isinstance(back["pair"], tuple) and torch.equal(back["pair"][0], torch.arange(3))
    assert back["pair"][1].dtype == torch.bool and back["dtype"] is torch.float64
    assert back["nest"]["a"][0].shape == (0, 3) and back["text"] == "λ"


def test_what_is_no_value_travels_as_its_type():
    class Secret:
        def __repr__(self):
            raise RuntimeError

    back = wire.unpack(wire.pack([Secret(), torch.ones(2, dtype=torch.complex64), {1, 2}]))
    assert all(isinstance(entry, Other) for entry in back) and back[2].kind == "set"


@pytest.mark.parametrize(
    "data",
    [b"", b"abc", struct.pack("<Q", 2**60), struct.pack("<Q", 4) + b"nope", struct.pack("<Q", 2) + b"{}",
     struct.pack("<Q", 30) + b'{"$": "tensor", "name": "none"}',
     struct.pack("<Q", 31) + b'{"$": "tensor", "name": "0"}   ' + b"\xff" * 40,
     struct.pack("<Q", 40000) + b"[" * 40000],
)  # fmt: skip
def test_bytes_that_are_no_message_are_refused(data):
    with pytest.raises(wire.WireError):
        wire.unpack(data)


@pytest.fixture
def answer(tmp_path):
    """`answer(source)` gives a process that has loaded it, and the reply to the loading."""
    opened = []

    def load(source):
        path = tmp_path / f"answer_{len(opened)}.py"
        path.write_text(source)
        process = Process(files={path.name: path})
        opened.append(process)
        return process, process.ask("load", path=path.name)

    yield load
    for process in opened:
        process.close()


def test_nothing_that_an_answer_started_is_left(answer):
    mark = "a_process_that_an_answer_left_behind"
    code = f"import time\nfor _ in range(300):\n    time.sleep(0.1)\n# {mark}"
    source = (
        "import os, subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', {code!r}])\n"
        f"subprocess.Popen([sys.executable, '-c', {code!r}], start_new_session=True)\n"
        "while True:\n    pass\n"
    )

    def left():
        return [each for each in psutil.process_iter(["cmdline"]) if mark in " ".join(each.info["cmdline"] or [])]

    process, reply = answer(source)
    assert reply["happened"]["what"] == "timeout"
    process.close()
    psutil.wait_procs(left(), timeout=5)
    assert not left()


def test_an_answer_works_in_a_folder_of_its_own_that_goes_away(answer):
    process, reply = answer("import os\nopen('left.txt', 'w').write('x')\nplace = os.getcwd()\nraise RuntimeError(place)\n")
    place = f"/proc/{process.pid}/root" + reply["happened"]["message"]
    assert os.path.isfile(os.path.join(place, "left.txt"))
    process.close()
    assert not os.path.exists(place) and not os.path.exists(reply["happened"]["message"])


def test_memory_is_limited_and_the_reply_says_so(answer):
    _, reply = answer("import torch\nkept = []\nwhile True:\n    kept.append(torch.ones(10**7))\n")
    assert reply["happened"]["what"] == "memory"


def test_the_number_of_processes_is_limited_and_the_reply_says_so(answer):
    many = "for _ in range(100):\n    if os.fork() == 0:\n        time.sleep(9)\n        os._exit(0)\n"
    _, reply = answer("import os, time\n" + many + "time.sleep(9)\n")
    assert reply["happened"]["what"] == "processes"


def test_an_answer_that_waits_for_input_or_closes_the_pipe_is_ended(answer):
    _, reply = answer(
        "import os\nfor number in range(3, 64):\n    try:\n        os.close(number)\n    except OSError:\n        pass\n"
    )
    assert reply["happened"]["what"] == "ended"
    _, reply = answer("input()\n")
    assert reply["happened"]["error"] == "EOFError"


def test_a_gone_process_answers_at_once(answer):
    process, _ = answer("import os\nos._exit(3)\n")
    start = time.monotonic()
    assert process.ask("defined", names=["softmax"])["happened"]["what"] == "ended"
    assert time.monotonic() - start < 1


def test_an_answer_cannot_choose_what_the_judge_reads(answer):
    source = "class Fake:\n    shape = (2, 3)\n    dtype = 'float32'\n\ndef softmax(x, dim=-1):\n    return Fake()\n"
    process, _ = answer(source)
    candidate = RemoteCandidate(component("softmax"), process)
    assert isinstance(candidate.raw(Drawn({"x": torch.zeros(2, 3)})), Other)


@pytest.mark.parametrize(
    "reply",
    [5, {"seen": 5}, {"seen": [5]}, {"bound": [[]]}, {"changed": [1]}, {"outputs": "text"}, {"happened": {"what": 7}},
     {"happened": {"what": "raised", "message": 5}}, {"happened": {"what": "raised", "line": "5"}}, {"happened": []},
     {"seen": ["x" * 10_000]}, {"bound": ["x"] * 10_000},
     {"happened": {"what": "raised", "message": "x" * 10_000}}, {"happened": {"what": "raised", "text": "x" * 10_000}}],
)  # fmt: skip
def test_a_reply_out_of_form_is_none(reply):
    with pytest.raises(wire.WireError):
        checked(reply)
    happened = Happening(What.RAISED, "ValueError", "no", 3, "x").as_dict()
    whole = {"happened": happened, "seen": ["softmax"], "changed": True, "result": reply}
    assert checked(whole) == whole


STATE = """
kept = [1]
def softmax(x, dim=-1):
    kept.append(len(kept))
    if len(kept) > 3:
        raise RuntimeError(str(kept))
    return x
"""


def test_a_snapshot_is_a_copy_whose_doings_leave_the_process_as_it_is(answer):
    process, _ = answer(STATE)
    drawn = Drawn({"x": torch.ones(2)})
    with process.snapshot() as copy:
        assert copy.alone
        asked = RemoteCandidate(component("softmax"), copy)
        assert [asked.refusal(drawn) is None for _ in range(3)] == [True, True, False]
        copy.end()
        assert copy.ask("hello")["happened"]["what"] == "ended" and copy.gone
    again = RemoteCandidate(component("softmax"), process)
    assert [again.refusal(drawn) is None for _ in range(3)] == [True, True, False]


def test_a_snapshot_outlives_its_process_and_leaves_nothing(answer):
    process, _ = answer(STATE)
    copy = process.snapshot()
    process._end(What.ENDED)
    assert copy.ask("hello")["happened"] is None
    copy.close()
    process.close()
    assert _ends(copy.pid)


def _ends(pid):
    """Whether a process that was killed is gone soon: on a busy machine the kernel takes its time."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_a_process_with_threads_of_the_learners_is_not_copied(answer):
    process, _ = answer("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n" + STATE)
    assert process.snapshot() is None
    assert process.ask("hello")["happened"] is None


def test_files_arrive_as_they_are_the_empty_ones_too(tmp_path):
    empty, full = tmp_path / "empty.txt", tmp_path / "full.bin"
    empty.write_bytes(b"")
    full.write_bytes(bytes(range(256)))
    with Process(files={"empty.txt": empty, "folder/full.bin": full}) as process:
        place = f"/proc/{process.pid}/cwd"
        with open(f"{place}/empty.txt", "rb") as first, open(f"{place}/folder/full.bin", "rb") as second:
            assert first.read() == b"" and second.read() == bytes(range(256))


# To be run by `answer`: what it writes goes to the judge. `{own}` is a reply in the form of the line.
LINE = """
import json, os, stat, struct, time

def line():
    return next(n for n in range(3, 64) if _is_socket(n))

def _is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False

body = json.dumps({"$": "dict", "items": [["happened", None]]}).encode()
reply = struct.pack("<Q", len(body)) + body
reply = struct.pack("!i", len(reply)) + reply
"""
HALVES = {
    "half a message": "os.write(line(), reply[:-1])\ntime.sleep(600)\n",
    "half a head": "os.write(line(), reply[:3])\ntime.sleep(600)\n",
    "a byte now and then": "for number in range(600):\n    os.write(line(), reply[number:number + 1])\n    time.sleep(1)\n",
    "half a message, and an end": "os.write(line(), reply[:-1])\nos._exit(0)\n",
    "half a message, and an end with a child": "os.write(line(), reply[:-1])\nos.fork() or time.sleep(600)\nos._exit(0)\n",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HALVES)
def test_half_a_message_does_not_hold_the_judge(answer, name, monkeypatch):
    monkeypatch.setattr(line, "MOST_SECONDS", 2, raising=False)
    process, reply = answer(LINE + HALVES[name])
    assert reply["happened"]["what"] in ("broke-connection", "ended") and process.gone


@pytest.mark.timeout(60)
def test_half_a_message_does_not_hold_the_judge_while_a_copy_of_the_process_is_asked(answer, tmp_path, monkeypatch):
    monkeypatch.setattr(line, "MOST_SECONDS", 2, raising=False)
    process, _ = answer(STATE)
    with process.snapshot() as copy:
        path = tmp_path / "half.py"
        path.write_text(LINE + HALVES["half a message, and an end"])
        process.ask("files", files={"half.py": wire.as_tensor(path.read_bytes())})
        assert process.ask("load", path="half.py")["happened"]["what"] in ("broke-connection", "ended")
        assert copy.ask("hello")["happened"] is None


@pytest.mark.timeout(60)
def test_an_answer_that_reads_no_more_does_not_hold_the_judge(answer, monkeypatch):
    monkeypatch.setattr(line, "MOST_SECONDS", 2, raising=False)
    process, reply = answer(LINE + "os.write(line(), reply)\ntime.sleep(600)\n")
    assert reply["happened"] is None
    reply = process.ask("files", files={"large": wire.as_tensor(bytes(10**7))})
    assert reply["happened"]["what"] == "broke-connection" and process.gone


def test_what_every_answers_process_inherits_has_nothing_that_it_does_not_need():
    code = "import sys; from autograder.framework.isolation import nursery; nursery._import_all(); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert "torch" in found and not {"jsonschema", "nbconvert", "nbformat", "nbgrader", "psutil", "sympy"} & set(found)


ORPHANS = (
    "import subprocess, sys\n"
    'code = \'import subprocess, sys; subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])\'\n'
    "subprocess.run([sys.executable, '-c', code], start_new_session=True)\n"
)


def ends(processes):
    """Whether processes end, and are waited for by whoever has to."""
    return not psutil.wait_procs(processes, timeout=10)[1]


@pytest.fixture
def shut_in(answer):
    """A process with an orphan, the first process of its namespace, and the two outside that belong to it."""
    process, reply = answer(ORPHANS)
    assert reply["happened"] is None
    first = process._namespace
    if first is None:
        pytest.skip("there is no sandbox here")
    return process, first, first.parent(), first.parent().parent()


def test_nothing_is_left_of_an_answer_in_its_namespace(shut_in):
    process, first, waits, makes = shut_in
    family = process._family()
    assert len(family) == 2 and first not in family
    process.close()
    assert ends([*family, first, waits]) and makes.is_running()


@pytest.mark.parametrize("killed", [1, 2])
def test_where_what_waits_for_an_answer_is_killed_the_answer_ends(shut_in, killed):
    process, first, waits, makes = shut_in
    family = process._family()
    shut_in[killed].kill()
    assert ends([*family, first]) and makes.is_running()
    assert process.ask("hello")["happened"]["what"] == "ended"
    with Process() as another:
        assert another.ask("hello")["happened"] is None


def test_where_nothing_makes_namespaces_any_more_another_server_does(shut_in):
    process, _, _, makes = shut_in
    makes.kill()
    assert process.ask("hello")["happened"] is None
    with Process() as another:
        assert another.ask("hello")["happened"] is None and another._namespace.parent().parent() != makes


def test_an_answer_cannot_look_into_the_first_process_of_its_namespace(answer):
    source = (
        "import os, signal\n"
        "seen = []\n"
        "for name in ('root', 'cwd', 'exe', 'ns/mnt', 'fd'):\n"
        "    try:\n"
        "        seen += os.listdir('/proc/1/fd') if name == 'fd' else [os.readlink(f'/proc/1/{name}')]\n"
        "    except OSError:\n"
        "        pass\n"
        "for name in ('mem', 'environ', 'maps'):\n"
        "    try:\n"
        "        seen.append(open(f'/proc/1/{name}', 'rb').read(1))\n"
        "    except OSError:\n"
        "        pass\n"
        "for each in signal.valid_signals():\n"
        "    os.kill(1, each)\n"
        "raise RuntimeError(f'{seen} {os.getppid()} {os.getpid()}')\n"
    )
    process, reply = answer(source)
    assert reply["happened"]["message"] == "[] 0 2"
    assert process._namespace.is_running() and process.ask("hello")["happened"] is None
