"""What the tests need of the machine beside Python's packages, and Debian's packages that bring it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

DOCKER_RUNS = Path("/var/run/docker.sock")
SYSTEM = "/usr/sbin"  # where daemons lie, which is not on everybody's PATH


def chromium() -> str | None:
    """The path of a Chromium or Chrome, None where there is none."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def bubblewrap() -> str | None:
    """The path of `bwrap`, None where there is none."""
    return shutil.which("bwrap")


def postgres() -> str | None:
    """The folder of PostgreSQL's programs, None where there is none."""
    found = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return os.path.dirname(os.path.realpath(found or versions[-1])) if found or versions else None


def docker() -> str | None:
    """The path of Docker's client, None where there is none, or where no daemon would answer it and none can be started."""
    answers = "DOCKER_HOST" in os.environ or DOCKER_RUNS.exists()
    return shutil.which("docker") if answers or dockerd() else None


def dockerd() -> str | None:
    """The path of Docker's daemon, None where there is none."""
    return shutil.which("dockerd", path=os.pathsep.join([os.environ.get("PATH", os.defpath), SYSTEM]))


# Debian's package -> (what finds it, the pytest marker of the tests that need it)
PACKAGES = {
    "chromium": (chromium, "browser"),
    "bubblewrap": (bubblewrap, "sandbox"),
    "postgresql": (postgres, "postgres"),
    "docker.io": (docker, "docker"),
}


def missing() -> list[str]:
    """Debian's packages that this machine lacks; all but a browser are for tests of Linux only."""
    return [name for name, (find, _) in PACKAGES.items() if find() is None and (name == "chromium" or sys.platform == "linux")]


def install_missing() -> list[str]:
    """Installs what is missing where that may be done, and gives what is missing still."""
    lacking = missing()
    may = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")
    if lacking and may:
        print(f"Installing {' and '.join(lacking)} (Debian's packages)", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *lacking]):
            subprocess.run(["apt-get", "-qq", *command], env=environment, check=False)
    return missing()
