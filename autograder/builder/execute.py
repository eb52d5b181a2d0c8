"""Executes a solution notebook and holds what came out against what a committed notebook may hold."""

import os
import re
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.notebooknode import NotebookNode

from autograder.builder import speed
from utils.manifest import Course

MEGABYTE = 1_000_000
GIGABYTE = 1_000_000_000
SIZE_LIMIT = 2 * MEGABYTE  # of an executed notebook, as committed
MEMORY_LIMIT = 3 * GIGABYTE  # of its kernel: a laptop has 8, and a browser and the system on it
CELL_SECONDS = 600  # a cell that takes longer hangs
WIDGET = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r"\b0x[0-9a-f]{8,}\b")
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


class ExecutionError(RuntimeError):
    """The notebook does not run, or holds what must not be committed; one sentence a line."""


@dataclass(frozen=True)
class Run:
    """What one execution cost: the CPU seconds of a machine that nothing slows down (see `speed`), and the most memory."""

    notebook: NotebookNode
    cpu_seconds: float
    peak_bytes: int


def execute(course: Course, chapter_id: str, notebook: NotebookNode) -> Run:
    """Runs `notebook` (changed in place) in a fresh kernel in the chapter's source folder.

    `ExecutionError` when a cell fails or the outputs are not fit to be committed.
    """
    language_info = notebook.metadata.language_info
    before, slowness = _children_seconds(), speed.slowness()
    peaks = [0]
    with tempfile.TemporaryDirectory() as ipython_folder:
        client: NotebookClient = NotebookClient(
            notebook,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=40"],  # no warnings about its own transport
            timeout=CELL_SECONDS,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": str(course.source_folder(chapter_id))}},
            on_cell_complete=lambda **_: peaks.append(_peak_bytes(client)),
        )
        try:
            client.execute(env=_environment(course.root, ipython_folder))
        except CellExecutionError as error:
            raise ExecutionError(f"{chapter_id}: a cell of the solution fails: {error}") from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise ExecutionError(f"{chapter_id}: the kernel did not finish: {error}") from None
    notebook.metadata.language_info = language_info
    drop_widget_views(notebook)
    found = [*problems(course, chapter_id, notebook)]
    seconds = (_children_seconds() - before) / statistics.mean([slowness, speed.slowness()])
    budget = course.chapter(chapter_id).seconds
    if seconds > budget:
        found.append(
            f"{chapter_id}: the notebook took {seconds:.0f} CPU seconds, course.toml allows {budget}: train for fewer steps"
        )
    peak = max(peaks)
    if peak > MEMORY_LIMIT:
        found.append(
            f"{chapter_id}: the notebook took {peak / GIGABYTE:.1f} GB of memory, {MEMORY_LIMIT / GIGABYTE:g} are allowed: "
            "work on less at a time"
        )
    if found:
        raise ExecutionError("\n".join(found))
    return Run(notebook, seconds, peak)


def _peak_bytes(client: NotebookClient) -> int:
    """The most memory that the kernel has held so far; 0 where the system does not tell, as Linux does."""
    kernel = getattr(getattr(client.km, "provisioner", None), "pid", None)
    status = Path(f"/proc/{kernel}/status")
    told = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.is_file() else None
    return 1024 * int(told[1]) if told else 0


def _environment(root: Path, ipython_folder: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NBGRADER")}
    paths = [str(root), *filter(None, [environment.get("PYTHONPATH")])]
    return (
        environment
        | ONE_THREAD
        | {
            "COURSE_BUILD": "1",
            "TQDM_DISABLE": "1",
            "PYTHONHASHSEED": "0",
            "IPYTHONDIR": ipython_folder,
            "PYTHONPATH": os.pathsep.join(paths),
        }
    )


def _children_seconds() -> float:
    times = os.times()  # of children that have ended; the same on Windows, where they are 0
    return times.children_user + times.children_system


def drop_widget_views(notebook: NotebookNode) -> None:
    """Takes out the outputs that need a live kernel to be seen; static ones stay."""
    for cell in code_cells(notebook):
        cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def problems(course: Course, chapter_id: str, notebook: NotebookNode) -> list[str]:
    """What keeps an executed solution notebook from being committed, a sentence each."""
    found = []
    size = len(nbformat.writes(notebook).encode())
    if size > SIZE_LIMIT:
        found.append(
            f"{chapter_id}: the executed notebook has {size / MEGABYTE:.1f} MB, {SIZE_LIMIT // MEGABYTE} are "
            f"allowed: show fewer or smaller pictures (the largest cell is {_largest(notebook)})"
        )
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"{chapter_id}: cell {cell.id} writes to stderr: {output.text.strip().splitlines()[-1]}")
            found += [
                f"{chapter_id}: the output of cell {cell.id} holds {trace}: show something else"
                for trace in traces(output, course.root)
            ]
        expected = cell.metadata.get("nbgrader", {}).get("points")
        if cell.metadata.get("nbgrader", {}).get("grade") and last_value(cell) != expected:
            found.append(
                f"{chapter_id}: {cell.id} gives {last_value(cell)} of {expected} points: the solution must earn them all"
            )
    return found


def traces(output: NotebookNode, root: Path) -> list[str]:
    """What in an output belongs to the machine or the run: folders, the kernel's temporary files,
    addresses.
    """
    text = "\n".join(_texts(output))
    folders = {
        "the course's folder": str(root),
        "the home folder": str(Path.home()),
        "a temporary folder": tempfile.gettempdir(),
    }
    found = [words for words, folder in folders.items() if folder != "/" and re.search(rf"{re.escape(folder)}(?![\w-])", text)]
    return found + (["an object's address"] if ADDRESS.search(text) else [])


def _texts(node: object) -> list[str]:
    """All strings in an output but pictures."""
    if isinstance(node, str):
        return [node]
    if isinstance(node, dict):
        return [text for key, value in node.items() if key not in ("image/png", "image/jpeg") for text in _texts(value)]
    if isinstance(node, list):
        return [text for value in node for text in _texts(value)]
    return []


def last_value(cell: NotebookNode) -> float | None:
    """The number that nbgrader reads from an executed check cell, None where there is none."""
    for output in cell.outputs:
        if output.output_type == "execute_result":
            try:
                return float(output["data"].get("text/plain", ""))
            except ValueError:
                continue
    return None


def _largest(notebook: NotebookNode) -> str:
    return max(code_cells(notebook), key=lambda cell: len(str(cell.outputs))).id
