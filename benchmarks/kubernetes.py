"""The guide's manifests on a real Kubernetes: a class graded through them while a worker's pod is killed, and by local workers.

    python benchmarks/kubernetes.py registry.example.org/course:COMMIT
    python benchmarks/kubernetes.py IMAGE --kubeconfig FILE --chapter 02_attention_mechanism --learners 24 --workers 4

IMAGE is the image of docs/large-classes.md at the commit that runs here; the cluster must be able to pull it, or have it. Needs
`kubectl`, `openssl` and a user who may make a namespace. All is made in one namespace, which is deleted at the end.
The gradebooks must be the same, or the exit code is 1.
"""

import argparse
import contextlib
import copy
import json
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from gradebooks import rows  # noqa: E402  (needs the path above)
from grading import make_class, some_of  # noqa: E402
from large_classes import CONFIG, GUIDE, MANIFESTS, certificates, certified  # noqa: E402

WAIT = 900  # seconds until an image of some gigabytes has been pulled


class Cluster:
    """A namespace of our own on the cluster of a kubeconfig."""

    def __init__(self, kubeconfig, namespace):
        self.namespace = namespace
        self.line = ["kubectl", *(["--kubeconfig", kubeconfig] if kubeconfig else []), "--namespace", namespace]

    def ask(self, *arguments, stdin=None, cwd=None):
        """What kubectl prints."""
        done = subprocess.run([*self.line, *arguments], input=stdin, cwd=cwd, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def objects(self, *arguments):
        return json.loads(self.ask("get", *arguments, "--output", "json"))["items"]

    def level(self, name):
        """Sets the level of Pod Security that the namespace holds its pods to."""
        self.ask("label", "--overwrite", "namespace", self.namespace, f"pod-security.kubernetes.io/enforce={name}")

    def refusal(self, pod):
        """What the cluster says against a pod, or None; nothing is made."""
        text = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked"}, "spec": pod})
        line = [*self.line, "apply", "--dry-run=server", "--filename", "-"]
        done = subprocess.run(line, input=text, capture_output=True, text=True)
        return done.stderr.strip() if done.returncode else None

    def workers(self):
        """Names of the workers' pods that run and are not on their way out."""
        return [
            pod["metadata"]["name"]
            for pod in self.objects("pods", "--selector", "app=course-worker")
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]


def changed(image, workers):
    """The guide's manifests with another image and another number of workers."""
    manifests = copy.deepcopy(MANIFESTS)
    for each in manifests:
        if each["kind"] == "Deployment":
            each["spec"]["template"]["spec"]["containers"][0]["image"] = image
            if "replicas" in each["spec"]:
                each["spec"]["replicas"] = workers
    return manifests


def set_up(cluster, manifests, folder):
    """Makes the Secret with the guide's own line, and what the manifests say; waits for the pods."""
    (folder / "distributed.yaml").write_text(CONFIG, encoding="utf-8")
    line = re.search(r"^    kubectl (create secret .*?[^\\])$", GUIDE, re.M | re.S)[1]
    cluster.ask(*shlex.split(line.replace("\\\n", "")), cwd=folder)
    said = cluster.ask("apply", "--validate=strict", "--filename", "-", stdin=yaml.safe_dump_all(manifests))
    print("  " + said.strip().replace("\n", "\n  "))
    began = time.monotonic()
    for each in manifests:
        if each["kind"] == "Deployment":
            try:
                cluster.ask("rollout", "status", f"deployment/{each['metadata']['name']}", f"--timeout={WAIT}s")
            except SystemExit:
                print(cluster.ask("get", "pods", "--output", "wide") + cluster.ask("get", "events"))
                raise
    print(f"  {len(cluster.workers())} workers run {time.monotonic() - began:.0f} s later")


@contextlib.contextmanager
def forwarded(cluster):
    """The address where the scheduler's Service is reached from here."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = [*cluster.line, "port-forward", "service/course-scheduler", f"{port}:8786"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = process.stdout.readline()
            if "Forwarding" not in said:
                raise SystemExit(f"kubectl port-forward: {said}")
            yield f"tls://127.0.0.1:{port}"
        finally:
            process.terminate()


def graded(run, environment, *options, killed=None):
    """Grades the class; when results are there, calls `killed` with their number. The seconds that it took."""
    began = time.monotonic()
    line = [sys.executable, "-m", "autograder", "autograde", run.chapter, *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(line, cwd=run.folder, env=environment, **pipes) as process:
        while killed and process.poll() is None:
            if done := list(Path(run.folder, "classroom", "results").rglob("*.json")):
                killed(len(done))
                break
            time.sleep(0.05)
        said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"autograde {' '.join(options)} ended with {process.returncode}:\n{said}")
    return time.monotonic() - began


def kill_one(cluster, done):
    """Ends a worker's pod without a word of warning, `done` results being there."""
    name = cluster.workers()[0]
    cluster.ask("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")
    print(f"  with {done} results there {name} is killed")


def grade_there(cluster, run, certificates_folder):
    environment = certified(certificates_folder)
    with forwarded(cluster) as address:
        seconds = graded(run, environment, "--scheduler", address, killed=lambda done: kill_one(cluster, done))
    print(f"  graded in {seconds:.0f} s; then {', '.join(cluster.workers())} run")


def trial(cluster, given, folder):
    """True where the gradebook of the cluster is that of local workers."""
    version = json.loads(cluster.ask("version", "--output", "json"))["serverVersion"]["gitVersion"]
    for node in cluster.objects("nodes"):
        info = node["status"]["nodeInfo"]
        print(f"Kubernetes {version}; a node with {info['containerRuntimeVersion']}, Linux {info['kernelVersion']}")
    run = make_class(folder / "class", given.chapter, given.learners)
    here, there = (some_of(run, folder / name, given.learners) for name in ("here", "there"))
    manifests = changed(given.image, given.workers)
    cluster.ask("create", "namespace", cluster.namespace)
    try:
        cluster.ask("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        for level in ("baseline", "privileged"):
            cluster.level(level)
            said = cluster.refusal(manifests[-1]["spec"]["template"]["spec"])
            print(f"  a worker's pod with the level {level}: {said or 'taken'}")
        for name in ("own", "theirs"):
            (folder / name).mkdir()
        certificates(folder / "own")
        for path in (folder / "own").glob("*.pem"):
            (folder / "theirs" / path.name).write_bytes(path.read_bytes())
        set_up(cluster, manifests, folder / "theirs")
        grade_there(cluster, there, folder / "own")
    finally:
        cluster.ask("delete", "namespace", cluster.namespace)
    print(f"local workers: graded in {graded(here, None):.0f} s")
    found, expected = rows(there.folder), rows(here.folder)
    same = found == expected and len(found) == given.learners
    print(f"the gradebook of {given.learners} learners {'equals' if same else 'DIFFERS FROM'} that of local workers")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image")
    parser.add_argument("--kubeconfig")
    parser.add_argument("--namespace", default="course-trial")
    parser.add_argument("--chapter", default="01_attention_problem")
    parser.add_argument("--learners", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return not trial(Cluster(given.kubeconfig, given.namespace), given, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
