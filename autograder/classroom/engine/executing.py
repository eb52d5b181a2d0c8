"""Execute: runs and judges one submission. A function of its bytes, the policy and the course; it knows no gradebook."""

import tempfile
from pathlib import Path

import nbformat

from autograder.classroom.engine.jobs import Job, NoSandbox, Result
from autograder.framework.isolation import sandbox, server
from autograder.framework.isolation.transcripts import Transcripts
from autograder.run import GradingRun

_transcripts = Transcripts()


def execute(text: str) -> str:
    """The `Result` of a `Job`, both as JSON. Raises `NoSandbox` where the job wants one that is not to be had."""
    job = Job.from_json(text)
    inside = server.start(allow_sandbox=not job.unsafe_no_sandbox)
    if not inside and not job.unsafe_no_sandbox:
        raise NoSandbox(sandbox.why_not() or "There is no sandbox: this process has graded without one before.")
    notebook = nbformat.reads(job.notebook, as_version=4)
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        for name, data in job.files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        with GradingRun(job.chapter, notebook, Path(folder), figures=True, limits=job.limits, transcripts=_transcripts) as run:
            steps = run.steps(notebook.cells)
            faults = [fault.traceback for fault in run.faults]
    return Result(steps, inside, faults).to_json()
