"""The course on a fresh machine, with nothing but Python 3.11 or later:

    python3 course.py lab [CHAPTER]          opens the course in JupyterLab, your copies in work/
                      --reset CHAPTER        gives a chapter anew; yours is kept in work/backups/
                      --port N, --no-browser, and after -- whatever JupyterLab takes
    python3 course.py grade NOTEBOOK         grades one notebook, as the class will
    python3 course.py solution NAME          prints the worked answer of an exercise
    python3 course.py submit CHAPTER         hands a chapter in
    python3 course.py weights minilm|smollm2|all   fetches real models for chapter 8 (84 and 93 MB)
    python3 course.py setup [--maintain]     sets up and does nothing else
    python3 course.py build [--check]        makes the notebooks from their sources
    python3 course.py new-exercise CHAPTER NAME   writes the skeleton of an exercise
    python3 course.py test [--all]           proves the whole course
    python3 course.py demo                   takes a small class from release to feedback
    python3 course.py pins [--check]         compiles the requirements files

The first start makes .venv/ beside this file and installs the pinned packages; later starts take a moment.
--cpu, in any of them, takes the small build of PyTorch that runs without a graphics card (Linux).
"""

# Only what Python 3.6 can read stands in this file, so that an old Python gets a sentence and no SyntaxError.
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterable, Iterator, Optional, TextIO

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
LEARNER, MAINTAINER = "requirements.txt", "requirements-maintain.txt"
STAMP = ".installed.json"  # in .venv, after the name of the requirements file
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WINDOWS = os.name == "nt"
NEEDED_MODULES = ("pip", "torch", "numpy", "jupyterlab", "nbgrader")
# Gigabytes that the first set-up takes while it runs, pip's own copies included.
SPACE, SPACE_CUDA, DOWNLOAD_CUDA = 3, 9, 3

# Two files of the environment, read at each start of its Python: a learner's own autograder.py or utils.py beside a notebook
# replaces nothing of the course's. Another copy of the course that comes first on the path is left where it is.
FIRST = """\
import os
import sys
from importlib.machinery import PathFinder


class CourseFirst:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is not None or name not in ("autograder", "utils"):
            return None
        found = PathFinder.find_spec(name)
        for folder in (found and found.submodule_search_locations) or ():
            if os.path.exists(os.path.join(os.path.dirname(folder), "course.toml")):
                return None
        return PathFinder.find_spec(name, [{root!r}])


sys.meta_path.insert(0, CourseFirst)
"""
FIRST_MODULE = "_course_first"

# command -> (what Python runs, whether it needs the maintainers' packages)
COMMANDS = {
    "lab": (("autograder.commands.lab",), False),
    "grade": (("autograder", "grade"), False),
    "solution": (("autograder", "solution"), False),
    "submit": (("autograder.commands.submit",), False),
    "weights": (("autograder.commands.weights",), False),
    "setup": ((), False),
    "build": (("autograder.builder",), True),
    "new-exercise": (("autograder.commands.new_exercise",), True),
    "test": (("autograder.commands.test",), True),
    "demo": (("autograder.commands.demo",), True),
    "pins": (("autograder.commands.pins",), True),
}

# What pip or venv says -> what a learner should know. The first that is found counts.
EXPLANATIONS = (
    (
        r"No space left on device|Errno 28|not enough space on the disk|WinError 112",
        "The disk is full. Free some space (also where temporary files go) and start the same command again.",
    ),
    (
        r"Windows Long Path|filename or extension is too long",
        "A path is too long for Windows. Move the course to a folder with a short name.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError",
        "Python does not trust the network's certificate. Ask whoever runs it for theirs, and set PIP_CERT to it.",
    ),
    (
        r"NewConnectionError|Failed to establish a new connection|NameResolutionError|name resolution|"
        r"getaddrinfo failed|Network is unreachable|ProxyError|ReadTimeoutError|Read timed out|"
        r"ConnectTimeoutError|ConnectionResetError|Connection (broken|aborted)|Max retries exceeded",
        "No network: the package index cannot be reached. Connect (behind a proxy, set HTTPS_PROXY) and start "
        "the same command again; what was fetched is kept.",
    ),
    (
        r"ensurepip is not available|No module named '?ensurepip|returned non-zero exit status.*ensurepip",
        "This Python cannot make environments. On Debian and Ubuntu: sudo apt install python3-venv. Then again.",
    ),
    (
        r"Could not find a version that satisfies|No matching distribution found|not a supported wheel",
        "The package index has no build of a pinned package for this machine. The course runs on 64-bit Python "
        "3.11 to 3.14 on Linux, Windows (x64) and Macs with Apple silicon (macOS 14 or later).",
    ),
    (
        r"Permission denied|Access is denied|WinError (5|32)\b",
        "The course's folder cannot be written: it must be yours. Close every JupyterLab of the course, too.",
    ),
)


class Trouble(Exception):
    """What went wrong, as a sentence for the person at the keyboard."""


def too_old(version: tuple) -> Optional[str]:
    """The sentence for a Python older than the course's, else None; `version` as `sys.version_info`."""
    if tuple(version[:2]) >= OLDEST:
        return None
    better = [
        name
        for name in ("python3.14", "python3.13", "python3.12", "python3.11")
        if shutil.which(name) and not subprocess.call([name, "-c", ""], stderr=subprocess.DEVNULL)
    ]
    advice = f"You have one: {better[0]} course.py" if better else "Install one and start again."
    return f"The course needs Python 3.11 or later; this is Python {version[0]}.{version[1]}. {advice}"


def explanation(text: str) -> Optional[str]:
    """The sentence for what pip or venv printed, else None."""
    return next((sentence for pattern, sentence in EXPLANATIONS if re.search(pattern, text)), None)


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Holds the file `path`, so that two starts do not set up at once; the system lets go when we end."""
    with open(path, "a") as file:
        if not locked(file):
            print("Another start is setting the course up: waiting for it.", flush=True)
            while not locked(file):
                time.sleep(0.5)
        yield


def locked(file: TextIO) -> bool:
    """Whether the open `file` is ours now."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


class Environment:
    """The course's `.venv`: made, filled, stamped when it is whole, and made anew when it is broken."""

    def __init__(self, root: Path = ROOT, maintain: bool = False, cpu: bool = False) -> None:
        self.root, self.cpu, self.told = Path(root), cpu, False
        self.wanted = MAINTAINER if maintain else LEARNER
        self.folder = self.root / ".venv"
        self.scripts = self.folder / ("Scripts" if WINDOWS else "bin")
        self.python = self.scripts / ("python.exe" if WINDOWS else "python")

    def stamp(self, requirements: str) -> dict:
        """What was written down when these requirements were last installed as a whole, else {}."""
        try:
            return json.loads((self.folder / (requirements + STAMP)).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def key(self, requirements: str) -> str:
        """A digest of everything that decides what is installed."""
        names = ["pyproject.toml", LEARNER] + [MAINTAINER] * (requirements == MAINTAINER)
        return hashlib.sha256(b"\0".join((self.root / name).read_bytes() for name in names)).hexdigest()

    def installed(self) -> dict:
        """The `name-version.dist-info` folders of what is installed, name -> path."""
        packages = self.folder.glob("Lib/site-packages" if WINDOWS else "lib/python3*/site-packages")
        return {path.name: path for folder in packages for path in folder.glob("*.dist-info")}

    def whole(self) -> bool:
        """Whether everything that this set-up asks for is installed, in the pinned versions."""
        stamp = self.stamp(self.wanted)
        return bool(stamp and stamp["key"] == self.key(self.wanted) and self.installed().keys() >= set(stamp["distributions"]))

    def broken(self) -> Optional[str]:
        """Why the environment cannot be used at all, else None. One that was never finished is not broken."""
        stamp = self.stamp(MAINTAINER) or self.stamp(LEARNER)
        if stamp and stamp["root"] != str(self.root):
            return "it was made in another folder, " + stamp["root"]
        modules = NEEDED_MODULES if stamp else ("pip",)
        code = (
            "import sys, importlib.util as u; print(*sys.version_info[:2], *[m for m in sys.argv[1:] if u.find_spec(m) is None])"
        )
        try:
            said = subprocess.check_output(
                [str(self.python), "-I", "-c", code] + list(modules),
                timeout=60,
                stderr=subprocess.DEVNULL,
                universal_newlines=True,
            )
        except (OSError, subprocess.SubprocessError):
            return "its Python does not run"
        major, minor, *missing = said.split()
        if (int(major), int(minor)) < OLDEST:
            return f"its Python is {major}.{minor}"
        return "it has lost " + ", ".join(missing) if missing else None

    def ensure(self) -> None:
        """Makes the environment whole; does nothing when it is. Raises Trouble."""
        if self.whole() and not self.broken():
            self.put_course_first()
            return
        self.cpu = self.cpu or self.has_small_torch()  # later starts go without --cpu
        try:
            with lock(self.root / ".venv.lock"):
                self.repair()
                if not self.whole():
                    self.install()
                if self.broken():
                    raise Trouble(f"The set-up has ended, but {self.broken()}. Delete .venv and start again.")
                self.put_course_first()
        except OSError as error:
            raise Trouble(explanation(str(error)) or f"The set-up failed: {error}") from error

    def put_course_first(self) -> None:
        """Lets the environment's Python find the course's own packages before anything beside a notebook."""
        texts = {FIRST_MODULE + ".py": FIRST.format(root=str(self.root)), "course_first.pth": "import " + FIRST_MODULE + "\n"}
        for folder in self.folder.glob("Lib/site-packages" if WINDOWS else "lib/python3*/site-packages"):
            for name, text in texts.items():
                if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text:
                    with contextlib.suppress(OSError):  # an environment that cannot be written works without
                        (folder / name).write_text(text, encoding="utf-8")

    def repair(self) -> None:
        """Removes a broken environment and makes an empty one where there is none."""
        if os.path.lexists(str(self.folder)):
            reason = self.broken()
            if not reason:
                return
            print(f"The environment .venv is broken ({reason}): it is made anew.", flush=True)
            shutil.rmtree(str(self.folder))
        self.check_space()
        print("First start: a few minutes, once.", flush=True)
        self.call([getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(self.folder)], "making .venv")

    def has_small_torch(self) -> bool:
        """Whether an earlier start took the small build of PyTorch."""
        return any(re.match(r"torch-[^-]*\+cpu", name) for name in self.installed())

    def torch(self) -> str:
        """The pin of PyTorch, such as `torch==2.0`; "" where there is none."""
        found = re.search(r"^torch==[^\s;]+", (self.root / LEARNER).read_text(encoding="utf-8"), re.MULTILINE)
        return found.group() if found else ""

    def torch_is_ahead(self) -> bool:
        """Whether PyTorch in its pinned version is still to be fetched."""
        wanted = self.torch().replace("==", "-")
        return not any(re.split(r"\+|\.dist-info", name)[0] == wanted for name in self.installed())

    def check_space(self) -> None:
        """Raises Trouble when the disk cannot hold the environment; says what is about to be fetched."""
        cuda = sys.platform == "linux" and not self.cpu
        self.told = True
        need, free = SPACE_CUDA if cuda else SPACE, shutil.disk_usage(str(self.root)).free / 1e9
        if free < need:
            hint = f" With --cpu {SPACE} GB are enough." if cuda else ""
            raise Trouble(
                f"The disk is full: the set-up takes about {need} GB, and {free:.1f} GB are free in "
                f"{self.root}. Free some and start again.{hint}"
            )
        if cuda:
            print(
                "On Linux PyTorch brings its parts for graphics cards: unless this machine has them already, a "
                f"download of about {DOWNLOAD_CUDA} GB. For the small one stop now (Ctrl-C) and add --cpu.",
                flush=True,
            )

    def install(self) -> None:
        """Installs the pinned packages and the project, then writes the stamp."""
        start = time.monotonic()
        for stamp in self.folder.glob("*" + STAMP):
            stamp.unlink()
        for path in self.installed().values():
            if not (path / "INSTALLER").exists():  # cut short; pip would take it for installed
                shutil.rmtree(str(path))
        if self.torch_is_ahead():
            if not self.told:
                self.check_space()
            if self.cpu and sys.platform == "linux":  # elsewhere the usual build is the small one
                self.fetch_small_torch()
        self.pip("installing the pinned packages", "-r", str(self.root / self.wanted))
        self.pip("installing the course", "--no-deps", "--no-build-isolation", "-e", str(self.root))
        for name in {LEARNER, self.wanted}:
            text = json.dumps({"key": self.key(name), "root": str(self.root), "distributions": list(self.installed())})
            (self.folder / (name + STAMP)).write_text(text, encoding="utf-8")
        print(f"Set up in {time.monotonic() - start:.0f} s.", flush=True)

    def fetch_small_torch(self) -> None:
        try:
            self.pip("fetching PyTorch for the CPU", "--no-deps", "--index-url", CPU_INDEX, self.torch())
        except Trouble as trouble:
            raise Trouble(
                f"{trouble}\n--cpu takes PyTorch from {CPU_INDEX}, and the rest from the index that pip uses. Where only "
                f"that one can be reached, start without --cpu: a download of about {DOWNLOAD_CUDA} GB, and it works as well."
            ) from trouble

    def pip(self, what: str, *arguments: str) -> None:
        """Runs `pip install`: with its bars on a terminal, else quietly."""
        shown = sys.stdout.isatty()
        command = [str(self.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command.append("--target=")  # somebody's pip may be set up to install elsewhere
        self.call(command + ["--quiet"] * (not shown) + list(arguments), what, shown)

    def call(self, command: list, what: str, shown: bool = False) -> None:
        """Runs one step; what it says is kept (its complaints only, when `shown`), and explained if it fails."""
        print("... " + what, flush=True)
        lines = []  # type: list
        with subprocess.Popen(
            command,
            env=self.variables(),
            encoding="utf-8",
            errors="replace",
            stdout=None if shown else subprocess.PIPE,
            stderr=subprocess.PIPE if shown else subprocess.STDOUT,
        ) as process:
            for line in (process.stderr if shown else process.stdout) or ():
                if "Retrying" in line and not any("Retrying" in earlier for earlier in lines):
                    print("... the package index does not answer: trying again", flush=True)
                lines.append(line)
        if process.returncode:
            raise Trouble(
                explanation("".join(lines)) or f"This step failed: {what}. The last that was said:\n{''.join(lines[-8:])}"
            )

    def variables(self) -> dict:
        """The variables of a process in the environment: nothing of another Python's."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        kept.update(
            VIRTUAL_ENV=str(self.folder), PATH=str(self.scripts) + os.pathsep + kept.get("PATH", ""), PYTHONUTF8="1", PIP_USER="0"
        )
        return kept

    def run(self, arguments: Iterable[str]) -> int:
        """Runs a module of the course in the caller's folder, where (-P) no file can shadow another module."""
        command = [str(self.python), "-P", "-m"] + list(arguments)
        if not WINDOWS:
            os.execve(command[0], command, self.variables())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the child too, which decides
        return subprocess.call(command, env=self.variables())


def main(arguments: list) -> int:
    """Sets up and hands over; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a folder's name may have signs that a terminal lacks
    own = arguments[: (arguments + ["--"]).index("--")]
    if not own or own[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0 if own else 2
    command, rest = arguments[0], arguments[1:]
    if command not in COMMANDS:
        print(f"No command {command}: one of {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    module, maintain = COMMANDS[command]
    if "--cpu" in own:
        rest.remove("--cpu")
    if command == "setup" and set(rest) - {"--maintain"}:
        print("setup takes --maintain and --cpu only.", file=sys.stderr)
        return 2
    environment = Environment(maintain=maintain or "--maintain" in rest, cpu="--cpu" in own)
    if {"-h", "--help"} & set(own) and not environment.whole():
        print(__doc__)
        return 0
    try:
        environment.ensure()
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return environment.run(list(module) + rest) if module else 0


if __name__ == "__main__":
    if too_old(sys.version_info):
        sys.exit(too_old(sys.version_info))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped. The next start goes on where this one was.")
