"""`check`: judges plain Python files, each in a process of its own."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.framework.component import Component
from autograder.framework.component import component as find
from autograder.framework.happening import Happening, sentence
from autograder.framework.isolation.judging import Gone, judge_in
from autograder.framework.isolation.process import Process
from autograder.framework.verdict import Finding, Status, Verdict
from autograder.submission.beside import beside_file

_LOADS = "The file runs and defines it"


def check_files(name: str, paths: Sequence[str], jobs: int = 2) -> Iterator[tuple[str, Verdict]]:
    """Yields (path, `Verdict`) in the order of `paths`."""
    find(name)
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(paths, pool.map(lambda path: check_file(name, path), paths), strict=True)


def check_file(name: str, path: str | Path) -> Verdict:
    """The `Verdict` on the component called `name` in the file at `path`."""
    component = find(name)
    problem = unreadable(path)
    if problem:
        return _failed(component, problem)
    resolved = Path(path).resolve()
    with Process(files=beside_file(resolved)) as process:
        happened = process.ask("load", path=resolved.name)["happened"]
        if happened is not None:
            return _failed(component, sentence(Happening.from_dict(happened), "The file"))
        try:
            verdict = judge_in(process, name)
        except Gone as gone:
            return _failed(component, sentence(gone.happening, "The file"))
    return verdict or _failed(component, f"The file defines no {name}: name the function or class exactly so.")


def unreadable(path: str | Path) -> str | None:
    """Why a file is no Python text, as a sentence, or None."""
    try:
        source = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "The file is not UTF-8 text: save it as plain Python source."
    except OSError as error:
        return f"The file cannot be read: {error.strerror}."
    if not source.strip():
        return "The file is empty."
    if "\0" in source:
        return "The file holds NUL bytes: save it as plain Python source."
    return None


def _failed(component: Component, message: str) -> Verdict:
    findings = [Finding(_LOADS, Status.FAILED, 0.0, component.points, message)]
    return Verdict(component.name, 0.0, component.points, findings)
