"""The attacks of `tests/attacks/` on plain nbgrader and on the grading engine, side by side; writes attacks.txt.

    python benchmarks/attacks.py                      all of them, with a line for each class at the end
    python benchmarks/attacks.py forge read_the_network    of these classes, or these alone; prints, and writes nothing

For each: the points that it must earn of the 2.0 of `softmax` ("a line": it cannot be graded, and must be told so), and what it
earns. Plain nbgrader is `nbgrader autograde` as it comes, without anything of this course's configuration; the checks judge in
the notebook's own kernel, as they do at home. It grades each attack in a machine of its own: a bubblewrap without network, whose
files are in memory, with limits on memory, on a file's size, and on time. What is to break a batch has somebody else's
notebook behind it there. The engine grades all of them as one class, with a right notebook at each end.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

import attack_files  # noqa: E402  (needs the path above)
import grading  # noqa: E402
import odd_notebooks  # noqa: E402
from gradebooks import rows  # noqa: E402

from autograder.classroom.class_run import ClassRun  # noqa: E402
from autograder.framework.isolation import sandbox  # noqa: E402
from autograder.submission.handed_in import one_line  # noqa: E402

CHAPTER, CHECK = odd_notebooks.CHAPTER, "check-softmax"
STORED = Path(__file__).with_suffix(".txt")
PLACE = "/tmp/class"  # of a class in a machine of its own
SOUND = ("aa-sound", "zz-sound")
PLAIN_SECONDS, PLAIN_CELL_SECONDS, CELL_SECONDS = 300, 60, 5
PLAIN_MEMORY, FILE_BYTES = 4 * 2**30, 2**28
_CHECK_HERE = 'import os\nos.environ.pop("NBGRADER_EXECUTION", None)\n'
KINDS = {
    "forge": "forge a score", "read": "read what is not theirs", "write": "write outside", "exhaust": "exhaust the machine",
    "survive": "leave something behind", "break": "break the batch", "honest": "honest work that looks odd",
}  # fmt: skip


@dataclass
class Found:
    """What became of one submission: its points, None where there are none, and all else that is to be said."""

    points: float | None = None
    told: str = ""
    neighbours: bool = True
    harm: list[str] = field(default_factory=list)

    def is_right(self, attack: object) -> bool:
        wanted = getattr(attack, "POINTS", None)
        told = wanted is not None or not hasattr(attack, "hand_in") or bool(self.told)
        return self.points == wanted and told and self.neighbours and not self.harm

    def words(self, attack: object) -> str:
        if self.points is None:
            points = "a line" if self.told else "nothing said"
        else:
            points = f"{self.points:g}"
        rest = [*self.harm, *([] if self.neighbours else ["others are lost"])]
        return f"{points}{', ' if rest else ''}{', '.join(rest)}{'' if self.is_right(attack) else '  ✗'}"


def prepared(folder: Path) -> Path:
    """A course directory in which the assignment is generated, and nothing handed in."""
    run = ClassRun(folder / "class", CHAPTER, say=lambda line: None)
    run.nbgrader("generate_assignment", CHAPTER, "--force")
    return run.folder


def moved(course: Path, place: Path, also: str) -> None:
    """A copy of a course directory at `place`, whose configuration says where it is, and `also`."""
    shutil.copytree(course, place)
    path = place / "nbgrader_config.py"
    path.write_text(path.read_text(encoding="utf-8").replace(str(course), str(place)) + also, encoding="utf-8")


def hand_in(course: Path, name: str, targets: attack_files.Targets) -> str:
    """Writes the submission of an attack; the learner's name."""
    attack = attack_files.load(name)
    student = getattr(attack, "STUDENT", name)
    if hasattr(attack, "hand_in"):
        attack.hand_in(place_of(course, student), nbformat.writes(odd_notebooks.right()).encode())
    else:
        nbformat.write(targets.notebook(attack), place_of(course, student))
    return student


def place_of(course: Path, student: str) -> Path:
    """Where a learner's notebook goes, in a folder that is there."""
    path = course / "classroom" / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb"
    path.parent.mkdir(parents=True)
    return path


def points_of(graded: dict, student: str) -> float | None:
    return graded[student]["grades"][CHECK][0] if student in graded else None


def with_engine(course: Path, folder: Path, names: list[str]) -> tuple[dict[str, Found], list[str]]:
    """What the engine makes of all as one class, and what harm was done."""
    place = folder / "engine"
    moved(course, place, f"c.GradingPolicy.cell_seconds = {CELL_SECONDS}\n")
    aimed = folder / "targets"
    aimed.mkdir()
    with attack_files.Targets(aimed) as targets:
        for student in SOUND:
            nbformat.write(odd_notebooks.right(), place_of(place, student))
        students = {name: hand_in(place, name, targets) for name in names}
        line = [sys.executable, "-m", "autograder", "autograde", CHAPTER]
        done = subprocess.run(line, cwd=place, capture_output=True, text=True)
        harm = targets.harm()
    graded = rows(place)
    told = {
        student: part for student in students.values() for part in done.stdout.splitlines()
        if part.startswith(f"{one_line(student)}: not graded: ")
    }  # fmt: skip
    neighbours = all(points_of(graded, student) == odd_notebooks.FULL[CHECK] for student in SOUND)
    return {
        name: Found(points_of(graded, student), told.get(student, ""), neighbours) for name, student in students.items()
    }, harm


def with_plain(course: Path, name: str) -> Found:
    """What plain nbgrader makes of one attack, in a machine of its own."""
    line = [
        "bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--size", str(2**30), "--tmpfs", "/tmp",
        "--size", str(2**26), "--tmpfs", "/dev/shm", "--unshare-all", "--die-with-parent",
        "--ro-bind", str(course), str(course), "--ro-bind", str(ROOT), str(ROOT), "--chdir", str(ROOT),
        "--clearenv", "--setenv", "PATH", os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "--setenv", "HOME", "/tmp/home", "--setenv", "PYTHONPATH", str(ROOT), "--setenv", "OMP_NUM_THREADS", "1",
        sys.executable, "benchmarks/attacks.py", "--inside", name, str(course),
    ]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-3000:]}")
    found = Found(**json.loads(done.stdout.splitlines()[-1]))
    print(f"{name}: {found.words(attack_files.load(name))}", file=sys.stderr, flush=True)
    return found


def inside(name: str, generated: Path) -> None:
    """Prints what plain nbgrader makes of one attack; the machine is ours."""
    course, aimed = Path(PLACE), Path("/tmp/targets")
    for folder in (Path.home() / ".ipython/profile_default/startup", aimed):
        folder.mkdir(parents=True)
    (Path.home() / ".ipython/profile_default/startup/check.py").write_text(_CHECK_HERE)
    moved(generated, course, grading._PLAIN + f"c.ExecutePreprocessor.timeout = {PLAIN_CELL_SECONDS}\n")
    breaks = hasattr(attack_files.load(name), "hand_in")
    with attack_files.Targets(aimed) as targets:
        if breaks:
            nbformat.write(_written_alone(), place_of(course, SOUND[1]))
        student = hand_in(course, name, targets)
        told = _autograde(course, student)
        harm = targets.harm()
    points = points_of(rows(course), student) if _is_graded(course, student) else None
    print(json.dumps(asdict(Found(points, told, not breaks or _is_graded(course, SOUND[1]), harm))))


def _written_alone() -> nbformat.NotebookNode:
    """A notebook that is graded in no time."""
    notebook = odd_notebooks.right()
    notebook.cells = [odd_notebooks.cell(notebook, "written")]
    return notebook


def _is_graded(course: Path, student: str) -> bool:
    return (course / "classroom" / "autograded" / student / CHAPTER / f"{CHAPTER}.ipynb").is_file()


def _autograde(course: Path, student: str) -> str:
    """Runs nbgrader; what it says of a learner who is not graded."""
    resource.setrlimit(resource.RLIMIT_AS, (PLAIN_MEMORY, PLAIN_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    line = [sys.executable, "-m", "nbgrader", "autograde", CHAPTER]
    with tempfile.TemporaryFile() as said:  # which ends where a file may be no larger
        try:
            subprocess.run(line, cwd=course, stdout=subprocess.DEVNULL, stderr=said, timeout=PLAIN_SECONDS)
        except subprocess.TimeoutExpired:
            return ""
        said.seek(0)
        lines = said.read(2**20).decode("utf-8", "replace").splitlines()
    wrong = [part for part in lines if student in part and ("ERROR" in part or "WARNING" in part)]
    return wrong[-1] if wrong else ""


def table(names: list[str], plain: dict[str, Found], engine: dict[str, Found]) -> str:
    """The two side by side, and a line for each class."""
    width = max(map(len, names)) + 2
    lines = [f"{'attack':{width}} {'must earn':>9}   {'plain nbgrader':44} the engine"]
    for name in names:
        attack = attack_files.load(name)
        wanted = f"{attack.POINTS:g}" if hasattr(attack, "POINTS") else "a line"
        lines.append(f"{name:{width}} {wanted:>9}   {plain[name].words(attack):44} {engine[name].words(attack)}".rstrip())
    lines.append("")
    for kind, words in KINDS.items():
        chosen = [(attack_files.load(name), name) for name in names if name.split("_")[0] == kind]
        if chosen:
            right = [sum(found[name].is_right(attack) for attack, name in chosen) for found in (plain, engine)]
            lines.append(f"{words:28} {len(chosen):3}: as it must be on plain nbgrader {right[0]:3}, on the engine {right[1]:3}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chosen", nargs="*", help="classes or names of attacks; all of them by default")
    parser.add_argument("--jobs", type=int, default=1, help="of plain nbgrader at the same time")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        return inside(given.inside[0], Path(given.inside[1]))
    if sandbox.why_not() is not None:
        raise SystemExit(sandbox.why_not())
    everything = attack_files.names()
    names = [name for name in everything if not given.chosen or {name, name.split("_")[0]} & set(given.chosen)]
    if not names:
        raise SystemExit(f"choose from {', '.join([*KINDS, *everything])}")
    with tempfile.TemporaryDirectory() as folder:
        course = prepared(Path(folder))
        engine, harm = with_engine(course, Path(folder), names)
        with ThreadPoolExecutor(given.jobs) as executor:
            plain = dict(zip(names, executor.map(partial(with_plain, course), names), strict=True))
    shown = f"{table(names, plain, engine)}\nharm done to the machine by all of them on the engine: {', '.join(harm) or 'none'}"
    print(shown)
    if not given.chosen:
        STORED.write_text(shown + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
