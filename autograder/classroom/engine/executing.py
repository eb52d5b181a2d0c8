"""Execute: runs and judges one submission. A function of its bytes, the policy and the course; it knows no gradebook."""

import json
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.classroom.engine.jobs import Job, NoSandbox, Result, chapter_of
from autograder.framework.isolation import sandbox, server
from autograder.framework.isolation.transcripts import Transcripts
from autograder.run import GradingRun
from autograder.submission.beside import write_files

_transcripts = Transcripts()


def execute(text: str) -> str:
    """The `Result` of a `Job`, both as JSON. Raises `NoSandbox` where the job wants one that is not to be had."""
    job = Job.from_json(text)
    inside = server.start(allow_sandbox=not job.unsafe_no_sandbox)
    if not inside and not job.unsafe_no_sandbox:
        raise NoSandbox(sandbox.why_not() or "There is no sandbox: this process has graded without one before.")
    result = Result({}, inside)
    with tempfile.TemporaryDirectory(prefix="submission-") as name:
        folder = Path(name)
        write_files(folder, job.files)
        for name, text in job.notebooks.items():
            # nbconvert has held it against the schema: it is the coordinator's own.
            _execute(job, name, nbformat.v4.to_notebook(json.loads(text)), folder, result)
    return result.to_json()


def _execute(job: Job, name: str, notebook: NotebookNode, folder: Path, result: Result) -> None:
    """Runs and judges one notebook; what one that is no chapter's writes is there for the next."""
    chapter = chapter_of(job.assignment, name)
    with GradingRun(chapter, notebook, files=folder, figures=True, limits=job.limits, transcripts=_transcripts) as run:
        result.steps[name] = run.steps(notebook.cells)
        result.faults += [fault.traceback for fault in run.faults]
        if chapter is None:
            written = run.written()
            write_files(folder, written)
            result.written.update(written)
