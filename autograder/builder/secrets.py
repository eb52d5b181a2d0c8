"""What must not reach a learner: solutions, rubric, wrong answers, variants, hidden cases, quiz key."""

import ast
import re
import tokenize
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from autograder.builder.script import BEGIN, END, read_cells
from autograder.quiz.marks import questions_file, read_questions
from utils.manifest import Course

# A line tells something when it has this many characters without blanks, and does something: shorter ones
# (`return output, weights`) stand in any program.
SHORTEST = 20
SHORTEST_EDIT = 36  # an edit is a piece of a line, and a short piece stands in any program
SIGNATURE = re.compile(r"(async def|def|class|import|from)\b|@")
ARROW = "→"  # between the two sides of an edit, see `autograder.framework.known_answers`
DOES = re.compile(r"[(@*/+\-%|&~\[]")
# The contract gives every parameter and child by name and type, so that weights load by name.
GIVEN = re.compile(r"self\.\w+=(nn\.)?[A-Z]\w*\(")


@dataclass(frozen=True)
class SecretLine:
    """One secret line: as written, and where."""

    text: str
    origin: str

    @property
    def plain(self) -> str:
        return plain(self.text)


@dataclass(frozen=True)
class SecretBlock:
    """Secret lines that stand together. Prose is looked for everywhere, code in code only by runs of lines."""

    lines: tuple[SecretLine, ...]
    prose: bool = False

    def telling(self) -> list[SecretLine]:
        return [line for line in self.lines if (len(line.plain) >= SHORTEST if self.prose else tells(line.text))]


def plain(text: str) -> str:
    """Without white space: what indentation, wrapping and spaces around operators do not change."""
    return "".join(text.split())


def tells(text: str) -> bool:
    """Whether a line of code gives something away on its own."""
    line = plain(text)
    return (
        len(line) >= SHORTEST
        and not line.startswith("#")
        and not SIGNATURE.match(text.strip())
        and bool(DOES.search(line))
        and not GIVEN.match(line)
    )


def blocks(course: Course, chapter_id: str) -> list[SecretBlock]:
    """All that is secret in the source folder of a chapter."""
    folder = course.source_folder(chapter_id)
    found = [*_regions(course, chapter_id)]
    for name in ("misconceptions.py", "variants.py", "uncatalogued.py"):
        if (folder / name).is_file():
            found += [*_definitions(folder / name), *_edits(folder / name)]
    if (folder / "hidden_checks.py").is_file():
        found.append(SecretBlock(_code_lines(folder / "hidden_checks.py"), prose=True))
    return found + _sentences(course, chapter_id)


def _regions(course: Course, chapter_id: str) -> list[SecretBlock]:
    path = course.script(chapter_id)
    found = []
    for cell in read_cells(path):
        if cell.kind not in ("exercise", "open", "answer"):
            continue
        rows = list(enumerate(cell.source.splitlines(), 1))
        code = dict(numbered_code(cell.source)) if cell.kind != "answer" else dict(rows)
        inside = {number for number, row in rows if _in_region(cell.source, number)}
        where = f"{path.name}, cell {cell.id}, line"
        found.append(
            SecretBlock(
                tuple(SecretLine(code[number], f"{where} {number}") for number in sorted(inside & code.keys())),
                prose=cell.kind == "answer",
            )
        )
        comments = [
            SecretLine(row.partition("#")[2], f"{where} {number}")
            for number, row in rows
            if number in inside and cell.kind != "answer"
        ]
        found.append(SecretBlock(tuple(comments), prose=True))
    return found


def _in_region(source: str, number: int) -> bool:
    """Whether the line of this number stands between the marks of a solution."""
    rows = source.splitlines()
    above = [mark for row in rows[:number] for mark in (BEGIN, END) if mark in row]
    return bool(above) and above[-1] == BEGIN and BEGIN not in rows[number - 1]


def solution_rows(source: str) -> list[str]:
    """Plain lines of an exercise cell between the marks of a solution, comments cut off."""
    rows = list(enumerate(source.splitlines(), 1))
    return [plain(row.partition("#")[0]) for number, row in rows if _in_region(source, number)]


def given_lines(course: Course, chapter_id: str) -> set[str]:
    """Plain lines of the exercise cells that the learner is given: what stands outside the solution."""
    return {
        plain(row)
        for cell in read_cells(course.script(chapter_id))
        if cell.kind in ("exercise", "open")
        for number, row in enumerate(cell.source.splitlines(), 1)
        if not _in_region(cell.source, number)
    }


def _definitions(path: Path) -> list[SecretBlock]:
    """A block for each function or class of a file, without its docstrings' quotes."""
    text = path.read_text(encoding="utf-8")
    lines = _code_lines(path)
    numbers = {int(line.origin.rpartition(":")[2]): line for line in lines}
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inner = tuple(line for number, line in numbers.items() if node.lineno <= number <= (node.end_lineno or node.lineno))
            found.append(SecretBlock(inner))
    return found


def _edits(path: Path) -> list[SecretBlock]:
    """A block for what each edit of a right answer puts in; what it takes out is a solution's or a variant's own line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ARROW in node.value:
            where = f"{path.parent.name}/{path.name}:{node.lineno}"
            lines = [line for line in node.value.split(ARROW)[-1].splitlines() if len(plain(line)) >= SHORTEST_EDIT]
            found.append(SecretBlock(tuple(SecretLine(line, where) for line in lines)))
    return found


def _code_lines(path: Path) -> tuple[SecretLine, ...]:
    """The lines of a Python file that hold code, comments cut off."""
    text = path.read_text(encoding="utf-8")
    where = f"{path.parent.name}/{path.name}"
    return tuple(SecretLine(code, f"{where}:{number}") for number, code in numbered_code(text))


def numbered_code(text: str) -> list[tuple[int, str]]:
    """(number, line) of the lines of Python source that hold code, comments cut off."""
    rows = text.splitlines()
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            rows[row - 1] = rows[row - 1][:column]
    return [(number, row) for number, row in enumerate(rows, 1) if row.strip()]


def _sentences(course: Course, chapter_id: str) -> list[SecretBlock]:
    path = questions_file(chapter_id, course.root)
    if not path.is_file():
        return []
    return [
        SecretBlock(
            tuple(
                SecretLine(option.says, f"{chapter_id}/quiz.toml, {question.id}, option {letter}")
                for letter, option in question.options.items()
            ),
            prose=True,
        )
        for question in read_questions(path)
    ]


def right_letters(course: Course, chapter_id: str) -> dict[str, str]:
    path = questions_file(chapter_id, course.root)
    return {question.id: question.answer for question in read_questions(path)} if path.is_file() else {}
