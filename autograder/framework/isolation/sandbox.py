"""The sandbox around all answers: bubblewrap shows their fork server the programs it needs, read-only, and nothing else.

No network, nothing of the user's home, no solutions, no gradebook, no environment variables. Inside it `seclusion` gives each
answer namespaces and a small folder of its own. Linux alone has such namespaces.
"""

import functools
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from utils.manifest import ROOT

FOLDER = "/answer"
"""Where an answer works inside the sandbox."""

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_ETC = ("alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "ssl/certs")
_COURSE = ("autograder", "utils", "course.toml", "pyproject.toml")
_KEPT = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "OMP_WAIT_POLICY", "PYTHONPATH", "TZ")
_PROBE = "from autograder.framework.isolation import sandbox, seclusion; seclusion.probe(sandbox.FOLDER, sandbox.below_tmp())"
_INSTALL = "install bubblewrap (Debian and Ubuntu: apt-get install bubblewrap)"


@functools.cache
def why_not() -> str | None:
    """Why there is no sandbox on this machine, as a sentence that says what helps; None where there is one."""
    if sys.platform != "linux":
        return "There is no sandbox: only Linux has the namespaces that it is made of."
    if shutil.which("bwrap") is None:
        return f"There is no sandbox: {_INSTALL}."
    try:
        tried = subprocess.run(
            wrapped([sys.executable, "-c", _PROBE]), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"There is no sandbox: bubblewrap cannot be started ({error})."
    if tried.stdout.strip() == "in":
        return None
    said = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return (
        f"There is no sandbox: this machine or container does not let bubblewrap make namespaces ({said}). "
        "README.md, “Grading in a container”, says which settings it needs."
    )


def wrapped(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` in the sandbox; open file descriptors stay open."""
    arguments = ["bwrap", "--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--disable-userns"]
    arguments += [
        "--hostname",
        "sandbox",
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--cap-drop",
        "ALL",
        "--cap-add",
        "CAP_SYS_ADMIN",
        "--cap-add",
        "CAP_SETPCAP",
    ]
    arguments += ["--tmpfs", "/tmp"]
    for path in _visible():
        arguments += _shown(path)
    arguments += ["--ro-bind", str(Path(__file__).with_name("passwd")), "/etc/passwd"]
    # The processes' numbers are the machine's, so that the judge can find and end them; each answer gets a /proc of its own.
    arguments += ["--dev", "/dev", "--dev-bind", "/proc", "/proc", "--dir", FOLDER, "--remount-ro", "/"]
    arguments += ["--clearenv", "--chdir", "/"]
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept["PYTHONPATH"] = with_course(kept.get("PYTHONPATH"))
    for name, value in {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "HOME": FOLDER,
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "XDG_CACHE_HOME": "/tmp/cache",
        "OMP_NUM_THREADS": "1",
        **kept,
    }.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--", *command]


def with_course(path: str | None) -> str:
    """A `PYTHONPATH` on which the course comes first, wherever a process starts."""
    return os.pathsep.join(filter(None, [str(ROOT), path]))


def below_tmp() -> list[str]:
    """What there is of `_visible` under /tmp, where each answer gets a folder of its own."""
    return [str(path) for path in _visible() if path.is_relative_to("/tmp")]


def _visible() -> Iterable[Path]:
    """What there is in the sandbox: the system's programs, this Python with its packages, the course without its solutions."""
    paths = [Path(each) for each in _SYSTEM]
    paths += [Path("/etc", each) for each in _ETC]
    paths += [ROOT / each for each in _COURSE]
    paths += [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent]
    paths += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    if not _in_environment() and site.ENABLE_USER_SITE:
        paths.append(Path(site.getusersitepackages()))
    seen: list[Path] = []
    for path in paths:
        if path.exists() and not any(path.is_relative_to(other) for other in seen if not other.is_symlink()):
            seen.append(path)
    return seen


def _in_environment() -> bool:
    return sys.prefix != sys.base_prefix


def _shown(path: Path) -> list[str]:
    if path.is_symlink() and path.parent == Path("/"):  # /lib -> usr/lib
        return ["--symlink", os.readlink(path), str(path)]
    return ["--ro-bind", str(path), str(path)]
