"""`course.py`: the set-up, what repairs it, and the sentences for what can go wrong."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

import course
from autograder import folder as folder_of_a_course
from autograder.builder import __main__ as builder

# What pip and venv really print, taken from pip 23.2 and 26.3 and from Debian's venv.
PIP_NO_NETWORK = """\
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by \
'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f77c737e610>: Failed to establish \
a new connection: [Errno -3] Temporary failure in name resolution')': /simple/alembic/
ERROR: Could not find a version that satisfies the requirement alembic==1.20.1 (from versions: none)
ERROR: No matching distribution found for alembic==1.20.1
"""
PIP_DISK_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
PIP_NO_BUILD = """\
ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)
ERROR: No matching distribution found for torch==2.13.0
"""
VENV_NO_ENSUREPIP = """\
The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv package.
"""


class FakePip(course.Environment):
    """An environment whose pip is a script of ours: it prints `says`, leaves one package, exits with `code`.

    The environment itself is real, but for an empty package in the place of pip: that saves seconds a test.
    """

    says, code = "", 0

    def __init__(self, root, **options):
        super().__init__(root, **options)
        self.calls = []

    def call(self, command, what, shown=False):
        if "venv" not in command:
            return super().call(command, what, shown)
        super().call([*command, "--without-pip"], what, shown)
        pip = next(self.folder.glob("[Ll]ib*/**/site-packages")) / "pip"
        pip.mkdir()
        (pip / "__init__.py").touch()

    def pip(self, what, *arguments):
        self.calls.append(arguments)
        script = textwrap.dedent(f"""
            import pathlib, sys
            folder = next(pathlib.Path({str(self.folder)!r}).glob("[Ll]ib*/**/site-packages"))
            (folder / "tiny-1.0.dist-info").mkdir(exist_ok=True)
            (folder / "tiny-1.0.dist-info" / "INSTALLER").write_text("pip")
            sys.stderr.write({self.says!r})
            sys.exit({self.code})
        """)
        self.call([sys.executable, "-c", script], what)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A root with requirements files, in which an environment needs no package but pip."""
    monkeypatch.setattr(course, "NEEDED_MODULES", ("pip",))
    for name in ("pyproject.toml", course.LEARNER, course.MAINTAINER):
        (tmp_path / name).write_text("torch==2.13.0\n", encoding="utf-8")
    return tmp_path


def damage_interpreter(environment):
    environment.python.unlink()


def damage_home(environment):
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3")


def damage_pip(environment):
    shutil.rmtree(next(environment.folder.glob("lib/python3*/site-packages/pip")))


def damage_nothing_but_root(environment):
    stamp = environment.folder / (course.LEARNER + course.STAMP)
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "root": "/somewhere/else"}), encoding="utf-8")


# ---- Python


def old_pythons():
    versions = Path.home() / ".pyenv" / "versions"
    named = [shutil.which(f"python3.{minor}") for minor in (8, 9, 10)]
    kept = [str(versions / name / "bin" / "python") for name in ("3.8.18", "3.9.18", "3.10.13")]
    candidates = [python for python in (*named, *kept) if python and Path(python).exists()]
    return [
        python
        for python in candidates
        if subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info >= (3, 11))"], capture_output=True).returncode
        == 0
    ]


def test_an_old_python_gets_one_sentence_and_no_traceback(root):
    assert course.too_old((3, 11, 0)) is None
    assert "needs Python 3.11 or later; this is Python 3.10." in course.too_old((3, 10, 13))
    for python in old_pythons():
        done = subprocess.run([python, str(root / "course.py"), "lab"], capture_output=True, text=True)
        assert done.returncode == 1, python
        assert "needs Python 3.11 or later" in done.stderr, python
        assert len(done.stderr.strip().splitlines()) == 1, python


def test_course_py_reads_as_old_python_and_imports_the_standard_library_only(root):
    tree = ast.parse((root / "course.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names)


# ---- commands


def test_every_command_has_its_module():
    for name, (module, _) in course.COMMANDS.items():
        assert not module or importlib.util.find_spec(module[0]), name


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 2, "course.py lab"),
        (["--help"], 0, "course.py lab"),
        (["labb"], 2, "No command labb"),
        (["setup", "--everything"], 2, "setup takes"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_set_up(root, arguments, status, says):
    done = subprocess.run([sys.executable, str(root / "course.py"), *arguments], capture_output=True, text=True)
    assert done.returncode == status
    assert says in done.stdout + done.stderr


# ---- the environment


def test_the_environment_that_is_made_has_pip_whatever_pip_is_set_up_for(small, monkeypatch):
    environment = course.Environment(small)
    environment.repair()
    assert environment.broken() is None
    assert (environment.folder / "pyvenv.cfg").exists()
    wheel = small / "tiny-1.0-py3-none-any.whl"  # somebody's pip is set up to install elsewhere
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    (small / "pip.conf").write_text(f"[install]\ntarget = {small / 'elsewhere'}\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(small / "pip.conf"))
    environment.pip("installing", "--no-index", str(wheel))
    assert "tiny-1.0.dist-info" in environment.installed() and not (small / "elsewhere").exists()


def test_a_second_start_does_nothing_and_an_edited_pin_is_installed(small):
    first = FakePip(small)
    first.ensure()
    assert first.calls[-1][-2:] == ("-e", str(small))
    start = time.monotonic()
    second = FakePip(small)
    second.ensure()
    assert time.monotonic() - start < 5
    assert second.calls == []
    (small / course.LEARNER).write_text("torch==2.13.1\n", encoding="utf-8")
    third = FakePip(small)
    third.ensure()
    assert len(third.calls) == 2


def test_maintainers_packages_come_on_top_and_serve_the_learner_too(small):
    FakePip(small).ensure()
    maintainer = FakePip(small, maintain=True)
    maintainer.ensure()
    assert str(small / course.MAINTAINER) in maintainer.calls[0]
    learner = FakePip(small)
    learner.ensure()
    assert learner.calls == []


def test_cpu_takes_torch_and_nothing_else_from_its_own_index(small, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    environment = FakePip(small, cpu=True)
    environment.ensure()
    assert environment.calls[0] == ("--no-deps", "--index-url", course.CPU_INDEX, "torch==2.13.0")
    assert all("--index-url" not in call for call in environment.calls[1:])


def test_the_large_download_is_announced_before_it_starts(small, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    course.Environment(small).check_space()
    assert "a download of about 3 GB" in capsys.readouterr().out
    course.Environment(small, cpu=True).check_space()
    assert "GB" not in capsys.readouterr().out


def test_the_large_download_is_announced_whenever_it_is_ahead(small, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    (small / course.LEARNER).write_text("numpy==1.0\ntorch==2.13.0 ; python_version > '3'\n", encoding="utf-8")
    FakePip(small).ensure()
    assert capsys.readouterr().out.count("about 3 GB") == 1
    packages = next(FakePip(small).folder.glob("lib/python3*/site-packages"))
    (packages / "torch-2.13.0.dist-info").mkdir()
    (packages / "torch-2.13.0.dist-info" / "INSTALLER").touch()
    (small / course.LEARNER).write_text("numpy==1.1\ntorch==2.13.0\n", encoding="utf-8")
    FakePip(small).ensure()
    assert "GB" not in capsys.readouterr().out
    (small / course.LEARNER).write_text("torch==2.14.0\n", encoding="utf-8")
    FakePip(small).ensure()
    assert "about 3 GB" in capsys.readouterr().out


def test_the_small_pytorch_stays_small_when_its_pin_changes(small, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    FakePip(small, cpu=True).ensure()
    torch = next(FakePip(small).folder.glob("lib/python3*/site-packages")) / "torch-2.13.0+cpu.dist-info"
    torch.mkdir()
    (torch / "INSTALLER").touch()
    (small / course.LEARNER).write_text("torch==2.14.0\n", encoding="utf-8")
    later = FakePip(small)
    later.ensure()
    assert course.CPU_INDEX in later.calls[0] and "GB" not in capsys.readouterr().out


def test_without_a_network_cpu_says_whose_index_it_is_and_what_works_instead(small, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    environment = FakePip(small, cpu=True)
    environment.says, environment.code = PIP_NO_NETWORK, 1
    with pytest.raises(course.Trouble, match=r"No network[\s\S]*from https://download.pytorch.org[\s\S]*start without --cpu"):
        environment.ensure()


def test_a_set_up_that_was_stopped_leaves_no_stamp_and_goes_on(small):
    stopped = FakePip(small)
    stopped.code = 1
    with pytest.raises(course.Trouble):
        stopped.ensure()
    assert not list(stopped.folder.glob("*" + course.STAMP))
    half = next(stopped.folder.glob("[Ll]ib*/**/site-packages")) / "half-1.0.dist-info"
    half.mkdir()  # pip was killed before it had written INSTALLER
    resumed = FakePip(small)
    resumed.ensure()
    assert len(resumed.calls) == 2
    assert not half.exists()


def test_a_package_that_was_taken_away_is_installed_again(small):
    environment = FakePip(small)
    environment.ensure()
    shutil.rmtree(environment.installed()["tiny-1.0.dist-info"])
    again = FakePip(small)
    again.ensure()
    assert len(again.calls) == 2


@pytest.mark.skipif(os.name == "nt", reason="an interpreter in use cannot be removed there")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_interpreter, "its Python does not run"),
        (damage_home, "its Python does not run"),
        (damage_pip, "it has lost pip"),
        (damage_nothing_but_root, "it was made in another folder"),
    ],
)
def test_a_broken_environment_is_named_and_made_anew(small, capsys, damage, reason):
    environment = FakePip(small)
    environment.ensure()
    damage(environment)
    again = FakePip(small)
    again.ensure()
    assert f".venv is broken ({reason}" in capsys.readouterr().out
    assert again.whole()
    assert again.broken() is None


def test_two_starts_at_once_wait_for_each_other(small, root):
    code = "import course, sys, time\nwith course.lock(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(1.5)"
    command = [sys.executable, "-c", code, str(small / ".venv.lock")]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        second = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
        assert first.wait() == 0
    assert second.stdout.splitlines() == ["Another start is setting the course up: waiting for it.", "held"]


# ---- sentences


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (PIP_NO_NETWORK, "No network"),
        (PIP_DISK_FULL, "The disk is full"),
        (PIP_NO_BUILD, "no build of a pinned package"),
        (VENV_NO_ENSUREPIP, "python3-venv"),
        ("something else entirely\n", "something else entirely"),
    ],
)
def test_what_pip_says_becomes_a_sentence(small, text, sentence):
    environment = FakePip(small)
    environment.says, environment.code = text, 1
    with pytest.raises(course.Trouble, match=sentence) as caught:
        environment.ensure()
    assert "Traceback" not in str(caught.value)


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(small, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**10, 9 * 10**9, 10**9))
    environment = FakePip(small)
    with pytest.raises(course.Trouble, match=r"about 9 GB, and 1\.0 GB are free.*--cpu 3 GB are enough"):
        environment.ensure()
    assert environment.calls == []
    assert not environment.folder.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(small):
    small.chmod(0o500)
    with pytest.raises(course.Trouble, match="cannot be written"):
        FakePip(small).ensure()
    small.chmod(0o700)


@pytest.mark.parametrize("sign", folder_of_a_course.UNFIT)
def test_a_folder_in_which_nbgrader_would_go_astray_is_told_before_anything_is_written(tmp_path, root, sign, monkeypatch, capsys):
    folder = tmp_path / f"course {sign}HOME"
    monkeypatch.setattr(builder, "ROOT", folder)
    assert builder.main([]) == 1 and "rename the folder" in capsys.readouterr().err
    assert folder_of_a_course.unfit(tmp_path / "Übung (2), a_b-c {x} #1 & 'y'") is None


def test_nbgraders_own_commands_do_nothing_there_and_a_learner_hands_in(tmp_path, root):
    folder = tmp_path / "course [a] 20% ?"
    (folder / "work" / "02_attention_mechanism").mkdir(parents=True)
    for name in ("autograder", "utils", "solutions", "notebooks", "course.toml"):
        (folder / name).symlink_to(root / name)
    shutil.copy(root / "nbgrader_config.py", folder)
    released = "02_attention_mechanism/02_attention_mechanism.ipynb"
    shutil.copy(root / "notebooks" / released, folder / "work" / released)
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "02_attention_mechanism"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1 and "for the [ and ] and ? and % in its path: rename the folder" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    folder = folder.rename(tmp_path / "course [a] 20% ?$HOME")
    submit = "import sys; from pathlib import Path; from autograder.commands import submit\n"
    submit += "submit.ROOT = Path.cwd(); sys.exit(submit.main(['02'], Path.cwd()))"
    done = subprocess.run([sys.executable, "-c", submit], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and list((folder / "work" / "submissions").iterdir()), done.stderr


# ---- without course.py


def test_nothing_needs_the_module_that_windows_lacks():
    code = "import sys, psutil, torch; sys.modules['resource'] = None; import autograder.builder.__main__, "
    code += "autograder.commands.test, autograder.commands.demo, autograder.grade, "
    code += "autograder.matrix, autograder.framework.isolation.worker"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_course_is_importable_from_any_folder(tmp_path, root):
    code = "import autograder, utils; print(autograder.__file__, utils.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(root / "autograder" / "__init__.py"), str(root / "utils" / "__init__.py")]


def test_a_file_beside_a_notebook_replaces_nothing_of_the_course(tmp_path):
    """The environment's Python finds `autograder` and `utils` in the course, wherever it starts; other files it finds there."""
    environment = course.Environment(tmp_path / "course")
    packages = environment.folder / ("Lib" if os.name == "nt" else "lib/python3.11") / "site-packages"
    packages.mkdir(parents=True)
    environment.put_course_first()
    assert (packages / "course_first.pth").read_text() == "import _course_first\n"
    for folder, words in ((tmp_path / "course", "the course's"), (tmp_path / "beside", "the learner's")):
        folder.mkdir(exist_ok=True)
        for name in ("autograder", "utils", "helper"):
            (folder / f"{name}.py").write_text(f"words = {words!r}\n")
    code = f"import site; site.addsitedir({str(packages)!r}); import autograder, utils, helper; "
    code += "print(autograder.words, utils.words, helper.words, sep=', ')"
    alone = [sys.executable, "-S", "-c", code]  # without the files of the environment that the test itself runs in
    done = subprocess.run(alone, cwd=tmp_path / "beside", capture_output=True, text=True)
    assert done.stdout.strip() == "the course's, the course's, the learner's", done.stderr
    copy = tmp_path / "copy"
    for name in ("autograder", "utils"):
        (copy / name).mkdir(parents=True)
        (copy / name / "__init__.py").write_text("words = 'the copy's own'\n".replace("y's", "y\\'s"))
    (copy / "course.toml").touch()
    (copy / "helper.py").write_text("words = 'a helper'\n")
    done = subprocess.run(alone, cwd=copy, capture_output=True, text=True)
    assert done.stdout.strip() == "the copy's own, the copy's own, a helper", done.stderr
