"""A class on a Dask cluster: processes of their own, TLS, no folder in common; one worker is lost in the middle."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import large_classes
import pytest
from gradebooks import rows
from large_classes import GUIDE, MANIFESTS
from machines import Machines

from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import Student, solution_cells, write_submission
from autograder.framework.isolation import sandbox
from utils.manifest import ROOT

CHAPTER = "01_attention_problem"
COUNT = 4
DASK = f"{sys.prefix}/bin/dask"
UNSAFE = [] if sandbox.why_not() is None else ["--unsafe-no-sandbox"]
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    run = ClassRun(tmp_path_factory.mktemp("cluster") / "course", CHAPTER, say=lambda line: None)
    run.nbgrader("generate_assignment", CHAPTER, "--force")
    quiz = solution_cells(CHAPTER)["quiz"]
    for number in range(COUNT):
        answer = {"quiz": quiz, "written": f"I am number {number}."}
        write_submission(run.folder / "classroom" / "submitted", CHAPTER, Student(f"quick-{number}", "", answer))
    return run


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """The environment in which Dask speaks TLS with a certificate of ours, and nothing else: the guide's configuration."""
    folder = tmp_path_factory.mktemp("tls")
    large_classes.certificates(folder)
    return large_classes.certified(folder)


@pytest.fixture
def cluster(certified, tmp_path):
    """(the scheduler's address, its process, the workers' processes)."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address, started = f"tls://127.0.0.1:{port}", []

    def start(*arguments):
        place = tmp_path / f"machine-{len(started)}"
        place.mkdir()
        line = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        process = subprocess.Popen(line, cwd=place, env=certified, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        return process

    scheduler = start("scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    workers = [start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)]
    yield address, scheduler, workers
    for process in started:
        process.kill()
        process.wait()


COMMAND = [sys.executable, "-m", "autograder", "autograde", CHAPTER, *UNSAFE]
NAMES = [f"quick-{number}" for number in range(COUNT)]


@pytest.fixture(scope="module")
def here(course, tmp_path_factory):
    """The gradebook that workers of this machine give."""
    run = course.copy(tmp_path_factory.mktemp("here") / "course", NAMES)
    done = subprocess.run(COMMAND, cwd=run.folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return rows(run.folder)


def _begun(course, folder, address, environment):
    """A run on the cluster, of which the first result is there."""
    there = course.copy(folder, NAMES)
    line = [*COMMAND, "--scheduler", address]
    running = subprocess.Popen(line, cwd=there.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not list(Path(there.folder, "classroom", "results").rglob("*.json")):
        time.sleep(0.05)
    return there, running


def test_the_gradebook_is_that_of_local_workers_though_a_worker_is_lost(course, here, certified, cluster, tmp_path):
    address, _, workers = cluster
    there, running = _begun(course, tmp_path / "there", address, certified)
    workers[0].kill()
    told, errors = running.communicate(timeout=600)
    assert running.returncode == 0, told + errors
    assert rows(there.folder) == here and len(here) == COUNT


def test_where_the_scheduler_is_lost_each_learner_has_a_line_and_another_run_goes_on(course, here, certified, cluster, tmp_path):
    address, scheduler, _ = cluster
    there, running = _begun(course, tmp_path / "there", address, certified)
    scheduler.kill()
    told, errors = running.communicate(timeout=600)
    assert running.returncode == 1 and "not graded: the cluster gave it up" in told and "Traceback" not in told + errors
    done = subprocess.run(COMMAND, cwd=there.folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(there.folder) == here


SBATCH = """#!/bin/sh
job=$(mktemp) && cp "$1" "$job"
bash "$job" >/dev/null 2>&1 &
echo "Submitted batch job $!"
"""


def test_the_guide_s_block_for_slurm_grades_as_workers_of_this_machine_do(course, here, tmp_path):
    """The block as it stands, with the course's folder in it, and a queue that starts each job at once on this machine."""
    block = re.search(r"```python\n(from dask_jobqueue.*?)```", GUIDE, re.S)[1]
    activate = f"export PYTHONPATH={os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])}"
    for old, new in {"/path/to/course": str(ROOT), "source .venv/bin/activate": activate, "jobs=10": "jobs=1",
                     "cores=4": "cores=2", "processes=4": "processes=2"}.items():  # fmt: skip
        assert old in block
        block = block.replace(old, new)
    for name, text in {"sbatch": SBATCH, "scancel": '#!/bin/sh\nkill "$1"\n', "block.py": block}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "block.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(line, cwd=tmp_path, env=environment, **pipes) as block_runs:
        address = block_runs.stdout.readline().strip()
        assert address.startswith("tcp://"), address
        there = course.copy(tmp_path / "there", NAMES)
        line = [*COMMAND, "--scheduler", address]
        done = subprocess.run(line, cwd=there.folder, capture_output=True, text=True, timeout=200)
        block_runs.communicate("\n", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(there.folder) == here


def test_a_scheduler_that_is_not_there_is_told_with_exit_code_two(course):
    command = [sys.executable, "-m", "autograder", "autograde", CHAPTER, "--scheduler", "tcp://127.0.0.1:9"]
    done = subprocess.run(command, cwd=course.folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2 and "tcp://127.0.0.1:9" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def closing():
    """A port whose connections are closed when something has come."""

    def close_each():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                connection.recv(10_000)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=close_each, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(("protocol", "reason"), [("tls", "the same certificates"), ("tcp", "encryption required")])
def test_a_scheduler_that_does_not_take_the_connection_is_told_with_a_reason(course, certified, closing, protocol, reason):
    address = f"{protocol}://127.0.0.1:{closing}"
    command = [sys.executable, "-m", "autograder", "autograde", CHAPTER, "--scheduler", address]
    done = subprocess.run(command, cwd=course.folder, env=certified, capture_output=True, text=True, timeout=200)
    assert done.returncode == 2 and address in done.stderr and reason in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def machines(tmp_path_factory):
    """Machines that see nothing of this test's folders but one of their own each."""
    if reason := Machines.why_not():
        pytest.skip(reason)
    made = Machines(tmp_path_factory.getbasetemp())
    yield made
    made.close()


def _with_certificates(place, certified):
    """The environment of a machine, with a copy of the certificates in its own folder."""
    theirs, own = Path(certified["DASK_CONFIG"]), place / "dask"
    shutil.copytree(theirs, own)
    config = own / "distributed.yaml"
    config.write_text(config.read_text().replace(str(theirs), str(own)))
    return {**certified, "DASK_CONFIG": str(own)}


SEEN = """
import json, os, sys
from distributed import Client

def seen(paths):
    from autograder.framework.isolation import sandbox
    return [path for path in paths if os.path.exists(path)], os.readlink("/proc/self/ns/net"), sandbox.why_not()

with Client(sys.argv[1], timeout=60) as client:
    client.wait_for_workers(2, timeout=120)
    print(json.dumps([seen(sys.argv[2:]), *client.run(seen, sys.argv[2:]).values()]))
"""


def _grades_alone(run, machines, address, environment):
    """The gradebook after a run on two workers, each of which has a network and a sandbox, and no folder of the class."""
    folders = [run.folder / "classroom" / name for name in ("gradebook.db", "submitted", "results")]
    folders = [str(folder) for folder in folders if folder.exists()]
    assert len(folders) >= 2
    options = {"cwd": run.folder, "env": environment, "capture_output": True, "text": True}
    asked = subprocess.run([*machines.beside(), sys.executable, "-c", SEEN, address, *folders], timeout=200, **options)
    assert asked.returncode == 0, asked.stderr
    coordinator, *workers = json.loads(asked.stdout)
    assert coordinator[0] == folders
    assert [(paths, trouble) for paths, _, trouble in workers] == [([], coordinator[2])] * 2
    assert len({network for _, network, _ in (coordinator, *workers)}) == 3
    done = subprocess.run([*machines.beside(), *COMMAND, "--scheduler", address], timeout=400, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return rows(run.folder)


def test_the_guide_s_own_cluster_grades_on_machines_that_see_no_folder_of_the_class(course, here, certified, machines, tmp_path):
    """The guide's two lines as they stand, but for the number of workers a machine."""
    scheduler, worker = re.findall(r"^    dask (.*)$", GUIDE, re.M)
    address, worker = worker.split()[1], worker.replace("--nworkers 8", "--nworkers 1")
    assert machines.address(1) in scheduler and machines.address(1) in address and "--nworkers 1" in worker
    for number, line in enumerate((scheduler, worker, worker)):
        place = tmp_path / f"machine-{number}"
        place.mkdir()
        machines.start(place, _with_certificates(place, certified), DASK, *line.split())
    run = course.copy(tmp_path / "there", NAMES)
    assert _grades_alone(run, machines, address, certified) == here


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: f"{manifest['kind']} {manifest['metadata']['name']}")
@pytest.mark.parametrize("version", ["1.33", "1.37"])
def test_the_guide_s_manifests_have_the_schema_of_kubernetes(manifest, version):
    from kubernetes_validate import validate

    validate(manifest, version, strict=True)


def test_no_pod_of_the_guide_holds_a_token_for_the_cluster_itself():
    pods = [each["spec"]["template"]["spec"] for each in MANIFESTS if each["kind"] == "Deployment"]
    assert [pod.get("automountServiceAccountToken") for pod in pods] == [False, False]


def test_the_guide_s_service_leads_to_the_scheduler_once_it_listens():
    service, scheduler, _ = MANIFESTS
    (container,), (port,) = scheduler["spec"]["template"]["spec"]["containers"], service["spec"]["ports"]
    assert container["command"][-2] == str(port["port"])
    assert container.get("readinessProbe") == {"tcpSocket": {"port": port["port"]}}


def test_the_guide_s_manifests_for_kubernetes_grade_on_machines_of_their_own(course, here, certified, machines, tmp_path):
    """What the containers run, as it stands but for the folders of image and Secret; the Service's name is that of a host."""
    service, *deployments = MANIFESTS
    by_label = {each["spec"]["template"]["metadata"]["labels"]["app"]: each["spec"] for each in deployments}
    assert all(spec["selector"]["matchLabels"]["app"] == label for label, spec in by_label.items())
    (port,) = service["spec"]["ports"]
    first = service["spec"]["selector"]["app"]
    for number, label in enumerate((first, "course-worker", "course-worker")):
        place = tmp_path / f"pod-{number}"
        place.mkdir()
        (place / "hosts").write_text(f"127.0.0.1 localhost\n{machines.address(1)} {service['metadata']['name']}\n")
        _start_pod(by_label[label]["template"]["spec"], machines, place, _with_certificates(place, certified))
    run = course.copy(tmp_path / "there", NAMES)
    address = f"tls://{machines.address(1)}:{port['port']}"
    assert _grades_alone(run, machines, address, certified) == here


def _start_pod(pod, machines, place, environment):
    """Runs a pod's only container."""
    (container,), (volume,) = pod["containers"], pod["volumes"]
    (mounted,) = container["volumeMounts"]
    assert mounted["name"] == volume["name"] and container["workingDir"] == "/course"
    program, *options = container["command"]
    assert program == ".venv/bin/dask"
    given = {
        entry["name"]: entry["value"].replace(mounted["mountPath"], environment["DASK_CONFIG"]) for entry in container["env"]
    }
    bare = {name: value for name, value in environment.items() if name not in ("DASK_CONFIG", "OMP_NUM_THREADS")}
    script = 'mount --bind hosts /etc/hosts; cd "$1"; shift; exec "$@"'
    line = ["sh", "-ec", script, "pod", str(ROOT), DASK, *options]
    machines.start(place, {**bare, **given}, *line)
