"""`course.py lab`: lays the released notebooks into `work/`, the learner's folder, and starts JupyterLab."""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# JupyterLab asks at the first start whether it may fetch news: the course works offline, so the answer is no.
OVERRIDES = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}

# nbgrader's menu is a teacher's, and its entries end in errors where there is no class; a teacher starts `jupyter lab`.
CONFIGURATION = ROOT / "autograder" / "commands" / "jupyter"


class Usage(Exception):
    """What the learner asked for cannot be done; the sentence says what can."""


def chapters(notebooks: Path) -> list[str]:
    """The ids of the released chapters in teaching order."""
    return sorted(path.parent.name for path in notebooks.glob("[0-9][0-9]_*/*.ipynb") if path.stem == path.parent.name)


def chapter_named(word: str, known: list[str]) -> str:
    """The one chapter that `word` means: its id, its number, or a part of its id. Raises Usage."""
    number = f"{int(word):02d}_" if word.isdecimal() else None
    found = [name for name in known if (name.startswith(number) if number else word.lower() in name)]
    if word in known:
        return word
    if len(found) != 1:
        many = "more than one chapter" if found else "no chapter"
        raise Usage(f"{word} names {many}. There are: {', '.join(known)}.")
    return found[0]


def lay_out(release: Path, own: Path) -> list[Path]:
    """Copies each file of `release` that `own` lacks and gives the copies; what is there is never touched."""
    copies = []
    for source in sorted(release.rglob("*")):
        target = own / source.relative_to(release)
        if source.is_dir() or ".ipynb_checkpoints" in source.parts or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.part")  # a copy that is cut short never bears the name
        shutil.copyfile(source, half)
        if source.suffix == ".ipynb":
            half.write_bytes(as_here(half.read_bytes()))
        half.rename(target)
        copies.append(target)
    return copies


def as_here(notebook: bytes) -> bytes:
    """A released notebook that names this machine's Python: else JupyterLab does so when it opens, and it counts as unsaved."""
    named = rb'("language_info": \{[^{}]*\{[^{}]*\}[^{}]*"version": ")[^"]*'
    return re.sub(named, rb"\g<1>" + platform.python_version().encode(), notebook)


def set_aside(own: Path, backups: Path) -> Path | None:
    """Moves a learner's chapter to a dated folder in `backups` and gives that; None if there was none."""
    if not own.exists():
        return None
    backups.mkdir(parents=True, exist_ok=True)
    stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    kept, count = backups / f"{own.name}-{stamp}", 1
    while os.path.lexists(kept):
        count += 1
        kept = backups / f"{own.name}-{stamp}-{count}"
    own.rename(kept)
    return kept


def chapter_to_open(work: Path, notebooks: Path, known: list[str]) -> str:
    """The chapter that was worked on last; the first one when none was."""

    def notebook(folder: Path, name: str) -> Path:
        return folder / name / f"{name}.ipynb"

    touched = [
        name
        for name in known
        if notebook(work, name).exists()
        and as_here(notebook(work, name).read_bytes()) != as_here(notebook(notebooks, name).read_bytes())
    ]
    return max(touched, key=lambda name: notebook(work, name).stat().st_mtime, default=known[0])


def check_port(port: int) -> None:
    """Raises Usage when `port` cannot be listened on."""
    if not 1 <= port <= 65535:
        raise Usage(f"--port {port}: a port is a number from 1 to 65535.")
    with socket.socket() as listener:
        if os.name != "nt":  # a port whose last user has just ended is free
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except PermissionError:
            raise Usage(f"Port {port} is reserved by the system: take one above 1023.") from None
        except OSError:
            raise Usage(
                f"Port {port} is busy, perhaps with another JupyterLab: close that one, "
                "take another port, or leave --port away and a free one is found."
            ) from None


def quiet_first_start(prefix: Path) -> None:
    """Answers JupyterLab's question about news, unless the environment has settings of its own."""
    file = prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(OVERRIDES), encoding="utf-8")


def places(work: Path) -> dict[str, str]:
    """Variables that give Jupyter a place in `work/` where it cannot write into the home folder; else none."""
    from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

    for folder in (jupyter_config_dir(), jupyter_data_dir(), jupyter_runtime_dir()):
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError:
            break
        if not os.access(folder, os.W_OK):
            break
    else:
        return {}
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    print(f"Your home folder cannot be written: JupyterLab keeps what it needs in {work / '.jupyter'}.", flush=True)
    return {name: str(work / ".jupyter" / name.lower()) for name in names}


def command_line(work: Path, chapter: str, options: argparse.Namespace, passed_on: list[str]) -> list[str]:
    """How JupyterLab is started."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={work}",
        f"--LabApp.default_url=/lab/tree/{chapter}/{chapter}.ipynb",
    ]
    if options.port is not None:
        command += [f"--ServerApp.port={options.port}", "--ServerApp.port_retries=0"]
    if options.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container everybody is root
        command.append("--allow-root")
    return command + passed_on


def main(argv: list[str], root: Path = ROOT) -> int:
    split = argv.index("--") if "--" in argv else len(argv)
    parser = argparse.ArgumentParser(prog="course.py lab", description=__doc__, epilog="What stands after -- goes to JupyterLab.")
    parser.add_argument("chapter", nargs="?", help="the chapter to open: its number or a part of its name")
    parser.add_argument("--reset", metavar="CHAPTER", help="begin it anew; yours is kept in work/backups/")
    parser.add_argument("--port", type=int, help="a port of your choice")
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    options = parser.parse_args(argv[:split])
    work, notebooks = root / "work", root / "notebooks"
    try:
        chapter = prepare(options, work, notebooks)
        if options.port is not None:
            check_port(options.port)
    except Usage as usage:
        print(usage, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"work/ cannot be written ({error.strerror}: {error.filename}). Is the disk full, or a file open elsewhere?",
            file=sys.stderr,
        )
        return 1
    print(f"Opening chapter {chapter}. Your files are in {work}.", flush=True)
    quiet_first_start(Path(sys.prefix))
    # The kernel named python3 must be this environment's, not one of the learner's home folder.
    configuration = filter(None, (str(CONFIGURATION), os.environ.get("JUPYTER_CONFIG_PATH")))
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_CONFIG_PATH": os.pathsep.join(configuration)}
    environment |= places(work)
    command = command_line(work, chapter, options, argv[split + 1 :])
    os.chdir(work)  # where nbgrader's part of JupyterLab looks for the course
    if os.name != "nt":
        os.execve(command[0], command, environment)
    return subprocess.call(command, env=environment)


def prepare(options: argparse.Namespace, work: Path, notebooks: Path) -> str:
    """Resets and copies what is to be, tells it, and gives the chapter to open. Raises Usage."""
    known = chapters(notebooks)
    if not known:
        raise Usage("notebooks/ has no chapter. Make them: python3 course.py build")
    reset = chapter_named(options.reset, known) if options.reset else None
    chapter = chapter_named(options.chapter, known) if options.chapter else reset
    if reset:
        kept = set_aside(work / reset, work / "backups")
        print(f"Yours is kept in {kept}." if kept else f"work/ has no {reset} yet.")
    new = [name for name in known if lay_out(notebooks / name, work / name)]
    if new:
        print(f"Copied into work/: {', '.join(new)}.")
    return chapter or chapter_to_open(work, notebooks, known)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
