"""The gradebook in PostgreSQL, with a real server: the engine writes there what it writes into the course's own file."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from gradebooks import rows

from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import Student, solution_cells, write_submission
from autograder.framework.isolation import sandbox
from autograder.proof import machine

CHAPTER = "01_attention_problem"
UNSAFE = [] if sandbox.why_not() is None else ["--unsafe-no-sandbox"]
pytestmark = [pytest.mark.postgres, pytest.mark.class_run, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def database():
    """The address of a database on a server of our own, which refuses to run as root."""
    programs = Path(machine.postgres())
    user = "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user:
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([programs / "initdb", "-D", folder / "data", "-A", "trust", "-E", "UTF8"], check=True, **run)
    options = ["-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", folder]
    server = subprocess.Popen([programs / "postgres", *options], **run)
    try:
        yield f"postgresql+psycopg://{user or getpass.getuser()}@127.0.0.1:{port}/{_made(programs, port, run)}"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _made(programs, port, run):
    command = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "gradebook"]
    for _ in range(120):
        if subprocess.run(command, **run).returncode == 0:
            return "gradebook"
        time.sleep(0.5)
    raise AssertionError("the server did not start")


def test_a_class_in_postgresql_gets_the_marks_that_it_gets_in_a_file(database, tmp_path):
    right = solution_cells(CHAPTER)
    runs = {}
    for name, url in (("file", None), ("server", database)):
        runs[name] = run = ClassRun(tmp_path / name / "course", CHAPTER, say=lambda line: None)
        if url is not None:
            with open(run.folder / "nbgrader_config.py", "a") as config:
                config.write(f"c.CourseDirectory.db_url = {url!r}\n")
        run.nbgrader("generate_assignment", CHAPTER, "--force")
        for number, cells in enumerate([right, {"quiz": right["quiz"]}, {}]):
            written = {**cells, "written": f"I am number {number}."}
            write_submission(run.folder / "classroom" / "submitted", CHAPTER, Student(f"learner-{number}", "", written))
        line = [sys.executable, "-m", "autograder", "autograde", CHAPTER, *UNSAFE]
        done = subprocess.run(line, cwd=run.folder, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stdout + done.stderr
    found = rows(runs["server"].folder, database)
    assert found == rows(runs["file"].folder) and len(found) == 3
    assert found["learner-0"]["score"] > found["learner-1"]["score"] > found["learner-2"]["score"] == 0
    runs["server"].nbgrader("export", "--to", "grades.csv")
    assert (runs["server"].folder / "grades.csv").read_text().count("\n") >= 4
