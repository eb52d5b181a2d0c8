"""The grading engine beside `nbgrader autograde`, on one class, in one run.

    python benchmarks/grading.py                          chapter 02: throughput, first result, latency, coordinator, memory
    python benchmarks/grading.py --chapter 05_transformer_architecture --learners 24
    python benchmarks/grading.py --growth 10 100 1000     how the time grows with the class
    python benchmarks/grading.py --kills 20 --learners 200    kill -9 at random moments; the gradebook against a quiet run's
    python benchmarks/grading.py --mutated 500            broken submissions among sound ones: each graded or with its line

The class: the demo's learners again and again (right answers in several styles, every mistake of the catalogue, partial ones,
an untouched notebook), each with a written answer of their own, so that no result serves for two. nbgrader is measured twice
on its first learners: as it comes, with a kernel for each notebook, and in the course's configuration, where its command
judges by the course's run.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import Student, students, write_submission

RATIO, COORDINATOR_MS = 20, 30
WATCHED = 48  # learners of the run whose memory is measured

_ENGINE = """
import dataclasses, json, sys
from autograder.classroom.engine.workers import LocalWorkers
chapter, jobs, unsafe = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "unsafe"
workers = LocalWorkers(jobs, unsafe)
from autograder.classroom.engine import coordinator
outcome = coordinator.autograde(chapter, workers=workers, force=True, quiet=True, unsafe_no_sandbox=unsafe)
print(json.dumps(dataclasses.asdict(outcome)))
"""
_PLAIN = """
from nbgrader.converters import Autograde
from nbconvert.exporters import NotebookExporter
c.Autograde.sanitize_preprocessors = Autograde().sanitize_preprocessors
c.Autograde.autograde_preprocessors = Autograde().autograde_preprocessors
c.Autograde.exporter_class = NotebookExporter
c.Autograde.pre_convert_hook = None
c.ExecutePreprocessor.timeout = 120
"""


def make_class(folder: Path, chapter: str, count: int) -> ClassRun:
    """A course directory with `count` submissions, none graded."""
    run = ClassRun(folder, chapter, say=lambda line: None)
    run.nbgrader("generate_assignment", chapter, "--force")
    kinds = [each for each in students(chapter) if each.notebook is None]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        cells = {**kind.cells, "written": f"I am number {number}."}
        write_submission(run.folder / "classroom" / "submitted", chapter, Student(f"learner-{number:04}", "", cells))
    return run


def some_of(run: ClassRun, folder: Path, count: int) -> ClassRun:
    """The same course directory with its first submissions alone."""
    return run.copy(folder, [f"learner-{number:04}" for number in range(count)])


def with_nbgrader(run: ClassRun, plain: bool) -> float:
    """Seconds of `nbgrader autograde` for the class; `plain` without anything of the course's."""
    if plain:
        path = run.folder / "nbgrader_config.py"
        path.write_text(path.read_text(encoding="utf-8") + _PLAIN, encoding="utf-8")
    began = time.perf_counter()
    run.nbgrader("autograde", run.chapter, ok=(0, 1))
    return time.perf_counter() - began


def with_engine(run: ClassRun, jobs: int, unsafe: bool = False, memory: bool = False) -> dict:
    """What the engine says of the class, and with `memory` what its processes take: looking at them takes a part of the time."""
    command = [sys.executable, "-c", _ENGINE, run.chapter, str(jobs), "unsafe" if unsafe else "safe"]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=run.folder, stdout=subprocess.PIPE, text=True)
    most: dict[str, int] = {}
    if memory:
        threading.Thread(target=_watch, args=(process.pid, most), daemon=True).start()
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the engine ended with {process.returncode}")
    return {**json.loads(said), "whole": time.perf_counter() - began, "memory": most}


def _watch(pid: int, most: dict[str, int]) -> None:
    while True:
        try:
            family = psutil.Process(pid).children(recursive=True)
            for each in [psutil.Process(pid), *family]:
                kind = _kind(each, pid)
                taken = each.memory_full_info().pss
                most[kind] = max(most.get(kind, 0), taken)
        except psutil.NoSuchProcess:
            if not psutil.pid_exists(pid):
                return
        except psutil.Error:
            pass
        time.sleep(1)


def _kind(process: psutil.Process, coordinator: int) -> str:
    line = " ".join(process.cmdline())
    if process.pid == coordinator:
        return "coordinator"
    if "engine.workers" in line:
        return "worker"
    return "fork server and answers" if "nursery" in line else "other"


def compare(chapter: str, learners: int, plain: int, jobs: int) -> None:
    """Prints the engine beside nbgrader."""
    with tempfile.TemporaryDirectory() as folder:
        run = make_class(Path(folder, "class"), chapter, learners)
        commands = {
            "nbgrader as it comes": with_nbgrader(some_of(run, Path(folder, "plain"), plain), plain=True) / plain,
            "nbgrader in this course": with_nbgrader(some_of(run, Path(folder, "course"), plain), plain=False) / plain,
        }
        found = with_engine(run, jobs)
        again = with_engine(run, jobs)
        watched = with_engine(some_of(run, Path(folder, "watched"), min(learners, WATCHED)), jobs, memory=True)
    engine = found["whole"] / len(found["graded"])
    print(f"{chapter}, {len(found['graded'])} learners on the engine ({jobs} workers), {plain} on nbgrader; seconds a submission")
    for name, seconds in commands.items():
        print(f"  {name:26} {seconds:8.2f}   the engine has {seconds / engine:5.1f} times its throughput (goal {RATIO})")
    print(f"  {'the engine':26} {engine:8.2f}")
    first, latencies = found["first_seconds"], sorted(found["latencies"])
    going = (found["seconds"] - first) / (len(found["graded"]) - 1)
    print(f"  first result after {first:.2f} s; from there on {going:.2f} s a submission, which is "
          f"{commands['nbgrader as it comes'] / going:.1f} times nbgrader's throughput as it comes")  # fmt: skip
    print(f"  from hand-over to result, waiting included: median {statistics.median(latencies):.2f} s, "
          f"longest {latencies[-1]:.2f} s")  # fmt: skip
    print(f"  coordinator's own: {1000 * found['own_seconds'] / len(found['graded']):.0f} ms of processor time a submission, "
          f"{1000 * again['own_seconds'] / len(again['graded']):.0f} ms from stored results (goal {COORDINATOR_MS})")  # fmt: skip
    print(f"  again, from stored results: {again['seconds'] / len(again['graded']):.3f} s a submission")
    print("  memory (MB, PSS, at most): " + ", ".join(f"{kind} {taken / 2**20:.0f}" for kind, taken in watched["memory"].items()))
    if found["problems"]:
        print("  not graded:", found["problems"])


def growth(chapter: str, sizes: list[int], jobs: int) -> None:
    """Prints how the engine's time grows with the class."""
    with tempfile.TemporaryDirectory() as folder:
        run = make_class(Path(folder, "class"), chapter, max(sizes))
        for size in sizes:
            found = with_engine(some_of(run, Path(folder, f"class-{size}"), size), jobs)
            print(f"{size:6} submissions: {found['whole']:8.1f} s in all, {found['whole'] / size:6.3f} s each, "
                  f"coordinator {1000 * found['own_seconds'] / size:5.0f} ms each", flush=True)  # fmt: skip


def kills(chapter: str, learners: int, times: int, jobs: int, seed: int) -> None:
    """Kills the engine's coordinator, a worker or a fork server again and again; then the gradebook must equal a quiet run's."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from gradebooks import rows

    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        run = make_class(Path(folder, "class"), chapter, learners)
        quiet = some_of(run, Path(folder, "quiet"), learners)
        whole = with_engine(quiet, jobs)["whole"]
        print(f"a quiet run: {whole:.1f} s", flush=True)
        command = [sys.executable, "-m", "autograder", "autograde", chapter, "--jobs", str(jobs)]
        done = {"coordinator": 0, "worker": 0, "fork server or answer": 0}
        while sum(done.values()) < times:
            process = subprocess.Popen(command, cwd=run.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(2.0, max(4.0, 2.5 * whole / times)))
            if process.poll() is not None:
                print("graded before all kills were done: grading goes on with --force", flush=True)
                command = [*command, "--force"] if "--force" not in command else command
                continue
            kind = chance.choice(list(done))
            if kind == "coordinator":
                process.send_signal(signal.SIGKILL)
            else:
                wanted = "engine.workers" if kind == "worker" else "nursery"
                found = [p for p in psutil.Process(process.pid).children(recursive=True) if wanted in " ".join(_line(p))]
                if not found:
                    process.kill()
                    process.wait()
                    continue
                chance.choice(found).kill()
                time.sleep(chance.uniform(0.5, 3.0))
                process.kill()
            process.wait()
            done[kind] += 1
        subprocess.run([part for part in command if part != "--force"], cwd=run.folder, check=True)
        same = rows(run.folder) == rows(quiet.folder)
    print(f"killed: {', '.join(f'{kind} {number} times' for kind, number in done.items())}")
    print(f"the gradebook of {learners} learners {'equals' if same else 'DIFFERS FROM'} a quiet run's")
    if not same:
        raise SystemExit(1)


def mutated(chapter: str, count: int, jobs: int, seed: int) -> None:
    """Grades `count` broken submissions among sound ones; the sound ones must get the marks that they get alone."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from gradebooks import rows

    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        run = make_class(Path(folder, "class"), chapter, 8)
        alone = some_of(run, Path(folder, "alone"), 8)
        with_engine(alone, jobs)
        submitted = run.folder / "classroom" / "submitted"
        whole = [(submitted / f"learner-{n:04}" / chapter / f"{chapter}.ipynb").read_bytes() for n in range(8)]
        made = []
        for number in range(count):
            kind, data = _mutation(chance, chance.choice(whole))
            made.append((f"broken-{number:04}-{kind}", data))
            path = submitted / made[-1][0] / chapter / f"{chapter}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
        began = time.perf_counter()
        line = [sys.executable, "-m", "autograder", "autograde", chapter, "--jobs", str(jobs)]
        done = subprocess.run(line, cwd=run.folder, capture_output=True, text=True)
        took = time.perf_counter() - began
        graded, expected = rows(run.folder), rows(alone.folder)
    told = {part.split(": not graded: ")[0] for part in done.stdout.splitlines() if ": not graded: " in part}
    silent = sorted({name for name, _ in made} - set(graded) - told)
    print(f"{count} broken submissions and 8 sound ones in {took:.0f} s, exit code {done.returncode}")
    for kind in sorted({name.split("-", 2)[2] for name, _ in made}):
        names = [name for name, _ in made if name.endswith(f"-{kind}")]
        print(f"  {kind:16} {len(names):4}: graded {len(set(names) & set(graded))}, with a line {len(set(names) & told)}")
    same = all(graded.get(name) == row for name, row in expected.items())
    print(
        f"the sound ones {'have the marks that they get alone' if same else 'DIFFER'}; without mark or line: {silent or 'none'}"
    )
    if silent or not same or "Traceback" in done.stdout + done.stderr:
        print(done.stderr[-3000:])
        raise SystemExit(1)


def _mutation(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    kind = chance.choice(["flipped", "cut-off", "cells-cut", "keys-missing", "nested", "other-types", "long-line", "twice"])
    if kind == "flipped":
        broken = bytearray(data)
        for _ in range(chance.choice([1, 5, 50])):
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        return kind, bytes(broken)
    if kind == "cut-off":
        return kind, data[: chance.randrange(len(data))]
    loaded = json.loads(data)
    if kind == "cells-cut":
        loaded["cells"] = chance.sample(loaded["cells"], chance.randrange(len(loaded["cells"])))
    elif kind == "nested":
        deep = "[" * 10_000 + "]" * 10_000
        return kind, json.dumps(loaded).replace('"metadata": {}', f'"metadata": {{"deep": {deep}}}', 1).encode()
    elif kind == "long-line":
        chance.choice(loaded["cells"])["source"] = "x" * 20_000_000
    elif kind == "twice":
        loaded["cells"] += chance.sample(loaded["cells"], len(loaded["cells"]) // 2)
    else:
        _spoil(chance, loaded, delete=kind == "keys-missing")
    return kind, json.dumps(loaded).encode()


def _spoil(chance: random.Random, loaded: dict, delete: bool) -> None:
    """Takes keys out, or puts values of other types in, at the top and in cells."""
    places = [loaded, loaded["metadata"], *chance.sample(loaded["cells"], 10)]
    for place in chance.sample(places, 4):
        if place:
            key = chance.choice(list(place))
            if delete:
                del place[key]
            else:
                place[key] = chance.choice([None, 7, "text", [], {}, {"a": [1]}, True])


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapter", default="02_attention_mechanism")
    parser.add_argument("--learners", type=int, default=48)
    parser.add_argument("--plain", type=int, default=24, help="learners that nbgrader grades: of chapter 02 one of each kind")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--growth", type=int, nargs="*")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--mutated", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.growth:
        growth(given.chapter, given.growth, given.jobs)
    elif given.mutated:
        mutated(given.chapter, given.mutated, given.jobs, given.seed)
    elif given.kills:
        kills(given.chapter, given.learners, given.kills, given.jobs, given.seed)
    else:
        compare(given.chapter, given.learners, given.plain, given.jobs)


if __name__ == "__main__":
    main()
