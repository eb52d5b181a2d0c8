"""`python -m autograder check` on real files: right, wrong, broken and hostile ones."""

import json
import subprocess
import sys

import pytest

RIGHT = """
import math
import torch

def softmax(x, dim=-1):
    e = torch.exp(x - x.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)

def helper(q, k):
    return torch.einsum("...id,...jd->...ij", q, k) / math.sqrt(q.shape[-1])

def attention(q, k, v, mask=None):
    scores = helper(q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = softmax(scores)
    weights = weights if mask is None else weights * mask
    return weights @ v, weights
"""
UNSCALED = """
import torch

def attention(q, k, v, mask=None):
    scores = q @ k.mT
    if mask is not None:
        scores = torch.where(mask, scores, torch.tensor(float("-inf"), dtype=scores.dtype))
    weights = torch.softmax(scores, -1)
    return weights @ v, weights
"""
BAD = {
    "empty": ("", "empty"),
    "syntax": ("def attention(q, k, v)\n    return q\n", "line 1"),
    "nothing": ("x = 1\n", "defines no attention"),
    "raises": ("raise RuntimeError('at import')\n", "RuntimeError"),
    "exits": ("import sys\nsys.exit(0)\n", "exit()"),
    "os-exit": ("import os\nos._exit(0)\n", "ended the whole Python process"),
    "killed": ("import os\nos.kill(os.getpid(), 9)\n", "ended the whole Python process"),
    "endless": ("while True: pass\n", "did not finish within"),
    "endless-call": ("def attention(q, k, v, mask=None):\n    while True: pass\n", "did not finish within"),
    "allocates": ("import torch\nkept = []\nwhile True: kept.append(torch.empty(10**7))\n", "memory"),
    "allocates-tensors": (
        "import torch\ndef attention(q, k, v, mask=None):\n    return torch.ones(10**12), q\n",
        "memory",
    ),
    "exits-when-called": ("def attention(q, k, v, mask=None):\n    raise SystemExit\n", "exit()"),
    "missing-import": ("import a_package_that_is_not_there\n", "a_package_that_is_not_there"),
    "nul": ("def attention(): pass\n\0", "NUL"),
}


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "autograder", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=280
    )


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Right answers before, between and after every bad file, checked in one run."""
    folder = tmp_path_factory.mktemp("files")
    sources = {"first": RIGHT, **{name: source for name, (source, _) in BAD.items()}, "unscaled": UNSCALED, "last": RIGHT}
    files = []
    for name, source in sources.items():
        path = folder / f"{name}.py"
        path.write_text(source)
        files.append(path)
    binary = folder / "binary.py"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    files.insert(1, binary)
    done = run("check", "attention", *files, "--json")
    return done, {json.loads(line)["file"].split("/")[-1][:-3]: json.loads(line) for line in done.stdout.splitlines()}, files


def test_every_file_gets_a_line_in_the_order_given(checked):
    done, _, files = checked
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [str(file) for file in files]
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_right_answer_passes_before_and_after_hostile_files(checked):
    _, verdicts, _ = checked
    for name in ("first", "last"):
        assert verdicts[name]["passed"] and verdicts[name]["points"] == verdicts[name]["max_points"] == 3.0
        assert verdicts[name]["misconception"] is None


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_a_sentence_and_no_points(checked, name):
    _, verdicts, _ = checked
    verdict = verdicts[name]
    assert not verdict["passed"] and verdict["points"] == 0
    assert verdict["misconception"] is None
    messages = " ".join(check["message"] for check in verdict["checks"])
    assert BAD[name][1] in messages
    assert "Traceback" not in messages and "autograder" not in messages


def test_a_binary_file_gets_a_sentence(checked):
    assert "UTF-8" in checked[1]["binary"]["checks"][0]["message"]


def test_a_misconception_is_named_and_earns_part_of_the_points(checked):
    verdict = checked[1]["unscaled"]
    assert verdict["misconception"] == "no-scale"
    assert 0 < verdict["points"] < 3.0
    assert set(verdict) == {"file", "component", "passed", "points", "max_points", "checks", "misconception"}
    assert all(set(check) == {"name", "passed", "message"} for check in verdict["checks"])


def test_exit_codes_tell_passed_failed_and_wrong_usage(tmp_path):
    right = tmp_path / "right.py"
    right.write_text(RIGHT)
    assert run("check", "attention", right).returncode == 0
    unknown = run("check", "atention", right)
    assert unknown.returncode == 2 and "atention" in unknown.stderr and "attention" in unknown.stderr
    missing = run("check", "attention", tmp_path / "not-there.py")
    assert missing.returncode == 2 and "not-there.py" in missing.stderr
    assert run("check", "attention").returncode == 2


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn.functional as F\ndef attention(q, k, v, mask=None):\n"
        "    o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)\n    return o, q @ k.mT\n",
        "from utils.reference import attention\n",
        "from utils import reference\ndef attention(q, k, v, mask=None):\n    return reference.attention(q, k, v, mask)\n",
        "from autograder.components.attention import COMPONENT\ndef attention(q, k, v, mask=None):\n"
        "    return COMPONENT.oracle(q, k, v, mask)\n",
        "import torch\ndef attention(q, k, v, mask=None):\n"
        "    return torch.ops.aten.scaled_dot_product_attention(q, k, v), q @ k.mT\n",
    ],
)
def test_a_short_cut_earns_nothing(tmp_path, source):
    file = tmp_path / "short.py"
    file.write_text(source)
    verdict = json.loads(run("check", "attention", file, "--json").stdout)
    assert verdict["misconception"] == "uses-builtin"
    assert verdict["points"] == 0 and not verdict["passed"]


def test_an_earlier_component_of_the_course_is_no_short_cut(tmp_path):
    file = tmp_path / "built_on.py"
    file.write_text(
        "from utils.reference import softmax, attention_scores\n"
        "import torch\n"
        "def attention(q, k, v, mask=None):\n"
        "    scores = attention_scores(q, k)\n"
        "    if mask is not None:\n"
        "        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)\n"
        "    weights = softmax(scores) if mask is None else softmax(scores) * mask\n"
        "    return weights @ v, weights\n"
    )
    verdict = json.loads(run("check", "attention", file, "--json").stdout)
    assert verdict["passed"] and verdict["misconception"] is None


def test_a_mistake_in_an_earlier_component_costs_nothing_in_a_later_one(tmp_path):
    file = tmp_path / "chain.py"
    broken = RIGHT.replace("e = torch.exp(x - x.amax(dim, keepdim=True))", "e = torch.exp(2 * x)")
    file.write_text(broken)
    assert json.loads(run("check", "attention", file, "--json").stdout)["passed"]
    assert not json.loads(run("check", "softmax", file, "--json").stdout)["passed"]


def test_a_helper_that_only_bears_an_earlier_name_is_used_as_it_is(tmp_path):
    file = tmp_path / "helper.py"
    file.write_text(
        RIGHT.replace("def softmax(x, dim=-1):", "def softmax(x):\n    dim = -1").replace(
            "x.amax(dim, keepdim=True)", "x.amax(-1, keepdim=True)"
        )
    )
    assert json.loads(run("check", "attention", file, "--json").stdout)["passed"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_signs_gets_plain_ones(tmp_path, monkeypatch, encoding):
    file = tmp_path / "wrong.py"
    file.write_text("def softmax(x, dim=-1):\n    return x\n")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = run("check", "softmax", file)
    assert done.returncode == 1 and 'once "Every share' in done.stdout and done.stderr == ""


def test_files_do_not_see_each_other(tmp_path):
    writer, reader = tmp_path / "a_writer.py", tmp_path / "b_reader.py"
    writer.write_text("import torch\ntorch.softmax = None\ntorch.Tensor.__matmul__ = None\n" + RIGHT)
    reader.write_text(RIGHT)
    lines = run("check", "attention", writer, reader, "--json", "--jobs", 1).stdout.splitlines()
    assert json.loads(lines[1])["passed"]


def test_what_a_file_prints_does_not_reach_the_output(tmp_path):
    file = tmp_path / "noisy.py"
    file.write_text("import sys\nprint('noise')\nprint('noise', file=sys.stderr)\n" + RIGHT)
    done = run("check", "attention", file, "--json")
    assert "noise" not in done.stdout + done.stderr
    assert json.loads(done.stdout)["passed"]
