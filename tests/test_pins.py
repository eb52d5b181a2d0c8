"""`pyproject.toml`, both requirements files and `environment.yml` say the same."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import course
from autograder.commands.pins import CUDA_PARTS, PLATFORMS

PLATFORM_MARKERS = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
]


def pins(path, environment):
    """Name -> version of the pins of a requirements file that count in a marker environment."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#-"]
    requirements = [Requirement(line) for line in lines]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in requirements
        if one.marker is None or one.marker.evaluate(environment)
    }


def unmet(wanted, pinned, environment):
    """What the requirements `wanted` and, as far as it is installed here, all that they need lack among the pins."""
    lacking, seen, queue = [], set(), [Requirement(text) for text in wanted]
    while queue:
        one = queue.pop()
        name = canonicalize_name(one.name)
        if name.startswith(CUDA_PARTS):  # torch's own affair
            continue
        if name not in pinned or pinned[name] not in one.specifier:
            lacking.append(str(one))
        if (name, frozenset(one.extras)) in seen:
            continue
        seen.add((name, frozenset(one.extras)))
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # a package of another platform
            continue
        for need in map(Requirement, needs):
            extras = one.extras or {""}
            if need.marker is None or any(need.marker.evaluate({**environment, "extra": extra}) for extra in extras):
                queue.append(need)
    return lacking


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("markers", PLATFORM_MARKERS, ids=lambda markers: markers["sys_platform"])
def test_requirements_pin_all_that_the_project_needs_on_every_platform(root, project, markers):
    learner = pins(root / course.LEARNER, markers)
    assert unmet(project["project"]["dependencies"], learner, markers) == []
    both = {**learner, **pins(root / course.MAINTAINER, markers)}
    assert unmet(project["project"]["optional-dependencies"]["maintain"], both, markers) == []


def test_a_missing_and_a_wrong_pin_are_found(root, project):
    markers = PLATFORM_MARKERS[0]
    pinned = pins(root / course.LEARNER, markers)
    assert any(
        line.startswith("tornado") for line in unmet(project["project"]["dependencies"], {**pinned, "tornado": "1.0"}, markers)
    )
    del pinned["filelock"]
    assert "filelock" in unmet(project["project"]["dependencies"], pinned, markers)


def test_maintainers_pins_stand_on_the_learners(root):
    text = (root / course.MAINTAINER).read_text(encoding="utf-8")
    assert f"-r {course.LEARNER}\n" in text
    for markers in PLATFORM_MARKERS:
        assert not pins(root / course.MAINTAINER, markers).keys() & pins(root / course.LEARNER, markers).keys()


def test_pins_are_whole_versions_without_cuda_parts_or_options(root):
    for name in (course.LEARNER, course.MAINTAINER):
        lines = (root / name).read_text(encoding="utf-8").splitlines()
        for line in lines[1 + (name == course.MAINTAINER) :]:
            assert re.match(r"#|-r requirements\.txt$|[a-z0-9-]+==[0-9][0-9a-z.]*( ; .+)?$", line), line
            assert not line.startswith(CUDA_PARTS), line


def test_the_build_uses_the_pinned_setuptools(root, project):
    pinned = pins(root / course.LEARNER, PLATFORM_MARKERS[0])
    assert project["build-system"]["requires"] == [f"setuptools=={pinned['setuptools']}"]


def test_conda_installs_the_same_set(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    python, *rest = environment["dependencies"]
    assert rest == ["pip", {"pip": [f"-r {course.LEARNER}", "-e ."]}]
    name, version = python.split("=")
    assert name == "python"
    assert Requirement(f"python{project['project']['requires-python']}").specifier.contains(version)
    assert environment["name"] == project["project"]["name"]


def test_no_file_of_the_set_up_names_a_host_but_pytorchs(root):
    for name in (
        "course.py",
        "pyproject.toml",
        "environment.yml",
        course.LEARNER,
        course.MAINTAINER,
        ".ci/run",
        ".github/workflows/test.yml",
    ):
        hosts = set(re.findall(r"https?://\S+", (root / name).read_text(encoding="utf-8").replace('"', " ")))
        assert hosts <= {course.CPU_INDEX}, name


def test_the_installed_versions_are_the_pinned_ones(root):
    markers = {}
    pinned = {**pins(root / course.LEARNER, markers), **pins(root / course.MAINTAINER, markers)}
    for name, version in pinned.items():
        assert metadata.version(name).split("+")[0] == version, name


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_files_are_what_uv_compiles_and_every_pin_has_a_wheel(root):
    done = subprocess.run([sys.executable, "-m", "autograder.commands.pins", "--check"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(platform in done.stdout for platform in PLATFORMS)
