"""`check`: judges plain Python files, each in a process of its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.checks.component import component as find
from autograder.isolation.judging import Gone, judge_in
from autograder.isolation.process import Process
from autograder.judge import Check, Verdict

_LOADS = "the file runs and defines it"


def check_files(name, paths, jobs=2):
    """Yields (path, `Verdict`) in the order of `paths`."""
    find(name)
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(paths, pool.map(lambda path: check_file(name, path), paths), strict=True)


def check_file(name, path):
    """The `Verdict` on the component called `name` in the file at `path`."""
    component = find(name)
    problem = unreadable(path)
    if problem:
        return _failed(component, problem)
    with Process() as process:
        error = process.ask("load", path=str(Path(path).resolve()))["error"]
        if error is not None:
            return _failed(component, load_problem(error))
        try:
            verdict = judge_in(process, name)
        except Gone as gone:
            return _failed(component, load_problem(gone.error))
    return verdict or _failed(component, f"The file defines no {name}: name the function or class exactly so.")


def unreadable(path):
    """Why a file is no Python text, as a sentence, or None."""
    try:
        source = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "The file is no UTF-8 text: save it as plain Python source."
    except OSError as error:
        return f"The file cannot be read: {error.strerror}."
    if not source.strip():
        return "The file is empty."
    if "\0" in source:
        return "The file holds NUL bytes: save it as plain Python source."
    return None


def load_problem(error):
    """A sentence for what happened while the file ran."""
    where = f" at line {error['line']}" if error["line"] else ""
    text = f": `{error['text']}`" if error["text"] else ""
    if error["type"] in ("SyntaxError", "IndentationError", "TabError"):
        return f"Python cannot read the file{where}{text} ({error['message']})."
    if error["type"] == "SystemExit":
        return f"The file calls exit(){where} while it is imported: take that line out."
    if error["type"] in ("MemoryError", "OutOfMemory") or "can't allocate memory" in error["message"]:
        return f"The file asked for more memory than an answer may have{where}: does something grow without end?"
    if error["type"] == "Timeout":
        return error["message"].replace("It did", "The file did", 1)
    if error["type"] == "Ended":
        return error["message"].replace("It ", "The file ", 1)
    return f"The file raised {error['type']}{where}{text}: {error['message'] or '(no message)'}."


def _failed(component, message):
    checks = [Check(_LOADS, False, message, 0.0, component.points)]
    return Verdict(component.name, 0.0, component.points, checks)
