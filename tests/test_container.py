"""The README's line about containers, on a real Docker: with its options there is a sandbox inside, without any of them none."""

import io
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from autograder.proof import machine
from utils.manifest import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.sandbox, pytest.mark.timeout(300)]
OPTIONS = re.findall(r"--security-opt [\w=]+", (ROOT / "README.md").read_text(encoding="utf-8"))
WHY_NOT = "from autograder.framework.isolation import sandbox; print(sandbox.why_not())"
IMAGE = "course-test:frame"


@pytest.fixture(scope="module")
def docker(tmp_path_factory):
    """`docker(*arguments, **options)` runs the client, of the Docker that runs here or of one that ends with the tests."""
    running, place = None, tmp_path_factory.mktemp("docker")
    environment = dict(os.environ)
    if _client("info", environment=environment).returncode:
        running = _daemon(place)
        environment["DOCKER_HOST"] = f"unix://{place}/socket"
        end = time.monotonic() + 60
        while _client("info", environment=environment).returncode and running.poll() is None and time.monotonic() < end:
            time.sleep(0.5)
        if running.poll() is not None:
            pytest.skip(f"Docker does not start here: {(place / 'log').read_text().strip().splitlines()[-1]}")
    yield lambda *arguments, **options: _client(*arguments, environment=environment, **options)
    if running:
        running.terminate()
        running.wait(60)


def _daemon(place):
    """A Docker without networks, all of whose files are in `place`."""
    if machine.dockerd() is None or os.geteuid() != 0:
        pytest.skip("no Docker runs here, and only root can start one")
    own = {"data-root": "data", "exec-root": "exec", "pidfile": "pid", "host": "socket"}
    line = [f"--{name}={'unix://' if name == 'host' else ''}{place}/{path}" for name, path in own.items()]
    line += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"]
    with (place / "log").open("w") as log:
        return subprocess.Popen([machine.dockerd(), *line], stdout=log, stderr=log)


def _client(*arguments, environment, **options):
    return subprocess.run(["docker", *arguments], env=environment, capture_output=True, timeout=120, **options)


@pytest.fixture(scope="module")
def inside(docker):
    """`inside(options)`: what is said of the sandbox in a container that has this machine's programs and this course."""
    made = docker("import", "-", IMAGE, input=_frame())
    assert made.returncode == 0, made.stderr
    folders = {Path("/usr"), Path("/etc"), ROOT, Path(sys.prefix), Path(sys.base_prefix)}
    shown = [f"--volume={folder}:{folder}:ro" for folder in sorted(folders)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

    def ask(options):
        line = ["run", "--rm", "--network=none", *shown, "--env", f"PYTHONPATH={path}", "--workdir", str(ROOT), *options]
        ran = docker(*line, IMAGE, sys.executable, "-c", WHY_NOT)
        return (ran.stdout or ran.stderr).decode().strip()

    yield ask
    docker("image", "rm", IMAGE)


def _frame():
    """An image of the folders' names alone, as bytes of a tar file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/tmp")):
            if path.is_symlink() or path.name == "tmp":
                tar.add(path, path.name, recursive=False)
    return packed.getvalue()


def test_with_the_options_of_the_readme_there_is_a_sandbox_in_a_container(inside):
    assert len(OPTIONS) == 3
    assert inside(" ".join(OPTIONS).split()) == "None"


@pytest.mark.parametrize("left_out", OPTIONS)
def test_without_one_of_them_there_is_none_and_the_readme_is_named(inside, left_out):
    if "apparmor" in left_out and not Path("/sys/kernel/security/apparmor").exists():
        pytest.skip("this kernel has no AppArmor")
    said = inside(" ".join(option for option in OPTIONS if option != left_out).split())
    assert said.startswith("There is no sandbox: this machine or container does not let bubblewrap make namespaces")
    assert "README.md, “Grading in a container”" in said
