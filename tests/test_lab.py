"""`course.py lab`: copies that are the learner's, backups, ports, and JupyterLab itself."""

import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest

from autograder.commands import lab

CHAPTERS = ("01_first", "02_second", "10_tenth")


@pytest.fixture
def course_root(tmp_path):
    """A root with three released chapters, one with a file of data."""
    for chapter in CHAPTERS:
        folder = tmp_path / "notebooks" / chapter
        folder.mkdir(parents=True)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(chapter, id="title")])
        nbformat.write(notebook, folder / f"{chapter}.ipynb")
    data = tmp_path / "notebooks" / "02_second" / "data"
    data.mkdir()
    (data / "words.txt").write_text("words", encoding="utf-8")
    return tmp_path


@pytest.fixture
def started(course_root, monkeypatch):
    """Runs `lab` with JupyterLab's start replaced: gives the status and how it would have been started."""

    def start(*argv):
        commands = []
        monkeypatch.setattr(lab.os, "execve", lambda path, command, environment: commands.append(command))
        monkeypatch.setattr(lab.subprocess, "call", lambda command, env: commands.append(command) or 0)
        monkeypatch.setattr(lab, "quiet_first_start", lambda prefix: None)
        monkeypatch.setattr(lab.os, "chdir", lambda folder: None)
        return lab.main(list(argv), course_root), commands[0] if commands else None

    return start


def notebook(root, chapter):
    return root / "work" / chapter / f"{chapter}.ipynb"


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_chapter_is_copied_once_and_a_learners_file_is_never_touched(course_root, started):
    started()
    assert files(course_root / "work") == files(course_root / "notebooks")
    notebook(course_root, "01_first").write_text("mine", encoding="utf-8")
    (course_root / "work" / "01_first" / "helper.py").write_text("mine too", encoding="utf-8")
    notebook(course_root, "02_second").unlink()
    before = files(course_root / "work")
    started()
    after = files(course_root / "work")
    assert {name: after[name] for name in before} == before
    assert notebook(course_root, "02_second").exists()


def test_a_copy_names_this_python_so_that_it_opens_as_saved(tmp_path, root):
    lab.lay_out(root / "notebooks", tmp_path)
    for released in sorted((root / "notebooks").glob("*/*.ipynb")):
        copy = tmp_path / released.relative_to(root / "notebooks")
        before, after = json.loads(released.read_bytes()), json.loads(copy.read_bytes())
        assert after["metadata"]["language_info"].pop("version") == platform.python_version()
        assert before["metadata"]["language_info"].pop("version") and after == before
        copy.write_bytes(released.read_bytes().replace(b'"version": "3.11"', b'"version": "3.99.1"'))  # saved elsewhere
    os.utime(copy)
    assert lab.chapter_to_open(tmp_path, root / "notebooks", sorted(path.name for path in tmp_path.iterdir()))[:2] == "01"


def test_a_link_of_the_learner_is_left_alone(course_root, started):
    own = course_root / "work" / "01_first"
    own.mkdir(parents=True)
    notebook(course_root, "01_first").symlink_to("nowhere.ipynb")
    started()
    assert os.readlink(notebook(course_root, "01_first")) == "nowhere.ipynb"


def test_a_copy_that_is_cut_short_does_not_bear_the_name(course_root, started, monkeypatch):
    def full(source, target):
        target.write_bytes(b"{")
        raise OSError(28, "No space left on device", str(target))

    with monkeypatch.context() as patch:
        patch.setattr(lab.shutil, "copyfile", full)
        status, command = started()
    assert (status, command) == (1, None)
    assert not notebook(course_root, "01_first").exists()
    started()
    assert files(course_root / "work") == files(course_root / "notebooks")


def test_reset_keeps_a_dated_backup_and_gives_the_chapter_anew(course_root, started, capsys):
    started()
    for text in ("one", "two"):
        notebook(course_root, "02_second").write_text(text, encoding="utf-8")
        started("--reset", "2")
    released = course_root / "notebooks" / "02_second" / "02_second.ipynb"
    assert notebook(course_root, "02_second").read_bytes() == released.read_bytes()
    kept = sorted((course_root / "work" / "backups").iterdir())
    assert {(folder / "02_second.ipynb").read_text() for folder in kept} == {"one", "two"}
    assert all(re.match(r"02_second-\d{4}-\d\d-\d\d-\d{6}(-\d+)?$", folder.name) for folder in kept)
    assert str(kept[0]) in capsys.readouterr().out


def test_reset_of_an_unknown_chapter_moves_nothing(course_root, started, capsys):
    started()
    before = files(course_root / "work")
    assert started("--reset", "7") == (2, None)
    assert "7 names no chapter. There are: 01_first, 02_second, 10_tenth." in capsys.readouterr().err
    assert files(course_root / "work") == before


@pytest.mark.parametrize(
    ("word", "chapter"),
    [
        ("2", "02_second"),
        ("02", "02_second"),
        ("02_second", "02_second"),
        ("Tenth", "10_tenth"),
        ("1", "01_first"),
    ],
)
def test_a_chapter_is_named_by_its_number_or_a_part_of_its_name(word, chapter):
    assert lab.chapter_named(word, list(CHAPTERS)) == chapter


def test_an_ambiguous_name_is_told():
    with pytest.raises(lab.Usage, match="more than one chapter"):
        lab.chapter_named("t", list(CHAPTERS))


def test_the_chapter_worked_on_last_is_opened_and_the_first_at_first(course_root, started):
    def opened(command):
        return next(word for word in command if "default_url" in word).rsplit("/", 1)[1]

    assert opened(started()[1]) == "01_first.ipynb"
    notebook(course_root, "10_tenth").write_text("mine", encoding="utf-8")
    notebook(course_root, "02_second").write_text("mine", encoding="utf-8")
    os.utime(notebook(course_root, "02_second"), (1, 1))
    assert opened(started()[1]) == "10_tenth.ipynb"
    assert opened(started("2")[1]) == "02_second.ipynb"


def test_a_busy_port_is_told_and_another_is_not_taken_in_its_place(started, capsys):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert started("--port", str(port)) == (2, None)
    assert f"Port {port} is busy" in capsys.readouterr().err
    status, command = started("--port", str(port))
    assert status == 0
    assert f"--ServerApp.port={port}" in command
    assert "--ServerApp.port_retries=0" in command


def test_a_port_that_is_none_is_told(started, capsys):
    assert started("--port", "70000") == (2, None)
    assert "from 1 to 65535" in capsys.readouterr().err


def test_what_stands_after_the_dashes_goes_to_jupyterlab(started):
    command = started("--no-browser", "1", "--", "--ServerApp.ip=0.0.0.0", "--debug")[1]
    assert command[-2:] == ["--ServerApp.ip=0.0.0.0", "--debug"]
    assert "--no-browser" in command


def test_a_course_without_notebooks_says_what_makes_them(tmp_path, capsys):
    assert lab.main([], tmp_path) == 2
    assert "python3 course.py build" in capsys.readouterr().err


def test_the_answer_about_news_is_given_once_and_never_over_the_learners(tmp_path):
    lab.quiet_first_start(tmp_path)
    settings = tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(settings.read_text()) == lab.OVERRIDES
    settings.write_text("{}", encoding="utf-8")
    lab.quiet_first_start(tmp_path)
    assert settings.read_text() == "{}"


def test_where_the_home_folder_cannot_be_written_jupyter_has_a_place_in_work(tmp_path, monkeypatch):
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert lab.places(tmp_path) == {}
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "a-file" / "runtime"))
    given = lab.places(tmp_path / "work")
    assert {"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"} <= given.keys()
    assert all(place.startswith(str(tmp_path / "work")) for place in given.values())


@pytest.mark.skipif(os.name == "nt", reason="stopped by a signal")
def test_jupyterlab_starts_in_work_with_this_environments_kernel(course_root, root):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys, pathlib; from autograder.commands import lab; lab.main(sys.argv[2:], pathlib.Path(sys.argv[1]))"
    process = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-c",
            code,
            str(course_root),
            "--no-browser",
            "--port",
            str(port),
            "--",
            "--IdentityProvider.token=secret",
        ],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}?token=secret", timeout=10) as answer:
            return answer.read()

    try:
        for _ in range(240):
            try:
                ask("/api/status")
                break
            except urllib.error.URLError:
                assert process.poll() is None, "JupyterLab has ended"
                time.sleep(0.5)
        listed = json.loads(ask("/api/contents"))["content"]
        assert sorted(entry["name"] for entry in listed) == sorted(CHAPTERS)
        page = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', ask("/lab").decode(), re.DOTALL)
        assert "@jupyter/nbgrader" in json.loads(page[1])["disabledExtensions"]
        kernel = json.loads(ask("/api/kernelspecs"))["kernelspecs"]["python3"]
        assert kernel["spec"]["argv"][0] in ("python", sys.executable)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) is not None
