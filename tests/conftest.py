"""What all tests share. Nothing of the caller's Jupyter is read, and every process runs on one thread."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")


def pytest_configure(config):
    home = tempfile.mkdtemp(prefix="course-tests-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.update({name: os.path.join(home, name.lower()) for name in FOLDERS})
    # Several workers on two cores: PyTorch's own threads would only get in each other's way.
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE", TQDM_DISABLE="1", JUPYTER_PREFER_ENV_PATH="1")
    for name in ("NBGRADER_EXECUTION", "COURSE_BUILD"):
        os.environ.pop(name, None)


LONGEST_FIRST = (
    "test_class", "test_engine", "test_grade", "test_browser", "test_matrix", "test_same_marks", "test_build", "test_check",
    "test_readme_class", "test_attacks", "test_cluster", "test_isolation", "test_nbgraders_tests", "test_any_assignment",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """The longest first, so that the workers end together: see `autograder.proof.shares`."""
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.stem) if item.path.stem in LONGEST_FIRST else len(LONGEST_FIRST))


def pytest_runtest_setup(item):
    """A test that needs a program of the machine is skipped where there is none, but fails in CI."""
    from autograder.proof import machine

    for package, (find, marker) in machine.PACKAGES.items():
        if item.get_closest_marker(marker) and find() is None:
            sentence = f"{package} is not installed"
            if os.environ.get("CI"):
                pytest.fail(f"{sentence}: in CI this test must run", pytrace=False)
            pytest.skip(sentence)


@pytest.fixture(scope="session")
def root() -> Path:
    """The course's root."""
    return ROOT


@pytest.fixture
def real_weights():
    """`real_weights(name)`: the folder of a real model; the test is skipped where it was not fetched."""
    from utils.chapters.applications import weights

    def folder(name: str) -> Path:
        found = weights.folder(name)
        if found is None:
            pytest.skip(f"weights/{name} is not there: python3 course.py weights {name}, or course.py test --all")
        return found

    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser; the test bears the marker `browser`."""
    from autograder.proof import machine

    return machine.chromium()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What is shown while the test runs, as in a notebook: a bundle of HTML and text for each call."""
    import IPython.display

    from utils import session

    bundles: list[dict[str, str]] = []
    monkeypatch.setattr(session, "in_ipython", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture(autouse=True)
def _torch_on_one_thread():
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder above an empty `my_transformer/`, with nothing passed and nothing given out yet."""
    from utils import library

    monkeypatch.setenv("COURSE_LIBRARY", str(tmp_path))
    monkeypatch.setattr(library, "_passed", {})
    monkeypatch.setattr(library, "my", library.My())
    library._forget()
    yield tmp_path
    library._forget()


@pytest.fixture
def notebook():
    """A learner's notebook in an IPython shell."""
    from learner import Notebook

    return Notebook()
