"""The leak test: nothing of a solution, wrong answer, hidden case or quiz key in what a learner gets.

In notebooks, tables and texts (everything in them: sources, outputs, metadata, attachments) one telling
line is a leak. In the course's own Python code a single line may coincide with a solution's, since both
call the same library; there a leak is a run of three. A line of that code is public, so that it is no
secret elsewhere either.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.builder.secrets import (
    SecretBlock,
    SecretLine,
    blocks,
    given_lines,
    numbered_code,
    plain,
    right_letters,
    tells,
)
from utils.manifest import ROOT, Course, load

CODE_FOLDERS = ("autograder", "utils", "tests", "benchmarks")
TEXT_KINDS = {".md", ".toml", ".json", ".txt", ".yml", ".cfg", ".html", ".css", ".js"}
RUN = 3  # lines of code in a row that are not a coincidence
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{40,}")
PAIR = re.compile(r"""["'](\w+)["']\s*:\s*["']([a-zA-Z])["']""")


@dataclass(frozen=True)
class Text:
    """One released file: where it is, its text without white space, and its strings as they are."""

    place: str
    plain: str
    strings: tuple[str, ...]


@dataclass(frozen=True)
class Released:
    """All that learners get, read once for any number of chapters."""

    texts: tuple[Text, ...]
    code: dict[str, tuple[str, ...]]  # file → its plain lines of code
    public: frozenset[str]  # every line of that code


def leaks(chapter_id: str, root: Path = ROOT, released: Released | None = None) -> list[str]:
    """A sentence for each secret of the chapter that stands in something released; none where all is well."""
    course = load(root)
    released = released or read_released(course)
    secret = blocks(course, chapter_id)
    found = [
        *_in_texts(secret, released.public, given_lines(course, chapter_id), released.texts),
        *_in_code(secret, released.code),
        *_letters(right_letters(course, chapter_id), released.texts),
    ]
    return sorted(set(found))


def read_released(course: Course) -> Released:
    texts, code = [], {}
    for path in _files(course.root):
        place = path.relative_to(course.root).as_posix()
        if path.suffix == ".py":
            source = path.read_text(encoding="utf-8")
            code[place] = tuple(plain(line) for _, line in numbered_code(source))
            strings: tuple[str, ...] = (source,)
        else:
            strings = tuple(_strings_of(path))
        texts.append(Text(place, "\0".join(_views(strings)), strings))
    public = frozenset(line for lines in code.values() for line in lines)
    return Released(tuple(texts), code, public)


def _files(root: Path) -> Iterator[Path]:
    """Everything in notebooks/, the course's code, and the texts at the root."""
    for folder in ("notebooks", *CODE_FOLDERS):
        for path in sorted((root / folder).rglob("*")):
            hidden = {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
            if path.is_file() and not hidden and (folder == "notebooks" or path.suffix in TEXT_KINDS | {".py"}):
                yield path
    yield from sorted(path for path in root.glob("*") if path.suffix in TEXT_KINDS | {".py"})


def _strings_of(path: Path) -> Iterator[str]:
    content = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix in (".ipynb", ".json"):
        try:
            yield from _strings(json.loads(content))
            return
        except ValueError:
            pass  # no JSON: searched as text
    yield content


def _strings(node: object) -> Iterator[str]:
    """Every string in a JSON value, keys too. A list of strings is one text, as in a cell's source."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list) and node and all(isinstance(item, str) for item in node):
        yield "".join(node)
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)
    elif isinstance(node, dict):
        yield "\0".join(node)
        for value in node.values():
            yield from _strings(value)


def _views(strings: tuple[str, ...]) -> Iterator[str]:
    """Each string as it is, without HTML's and JSON's escapes, and decoded where it is base64."""
    for text in strings:
        yield plain(text)
        if "\\" in text:
            yield plain(re.sub(r"\\[nrt]", " ", text).replace("\\", ""))
        if "&" in text:
            yield plain(html.unescape(text))
        if len(text) >= 40 and BASE64.fullmatch(text):
            try:
                yield plain(base64.b64decode("".join(text.split()), validate=True).decode("utf-8", errors="replace"))
            except binascii.Error:
                continue


def _in_texts(secret: list[SecretBlock], public: frozenset[str], given: set[str], texts: tuple[Text, ...]) -> Iterator[str]:
    for block in secret:
        for line in block.telling():
            # An edit is a piece of a line: what a given line holds in part is given too.
            if not block.prose and (line.plain in public or any(line.plain in row for row in given)):
                continue
            for text in texts:
                if (block.prose or not text.place.endswith(".py")) and line.plain in text.plain:
                    yield _sentence(text.place, line)


def _in_code(secret: list[SecretBlock], code: dict[str, tuple[str, ...]]) -> Iterator[str]:
    windows: dict[tuple[str, ...], SecretLine] = {}
    for block in secret:
        lines = [] if block.prose else list(block.lines)
        for start in range(len(lines) - RUN + 1):
            run = lines[start : start + RUN]
            if sum(tells(line.text) for line in run) >= RUN - 1:
                windows.setdefault(tuple(line.plain for line in run), run[0])
    for place, rows in code.items():
        for start in range(len(rows) - RUN + 1):
            line = windows.get(rows[start : start + RUN])
            if line:
                yield _sentence(place, line)


def _letters(key: dict[str, str], texts: tuple[Text, ...]) -> Iterator[str]:
    """A text that gives most of the key: one pair alone may be an example of the form."""
    for text in texts:
        pairs = {pair for string in text.strings for pair in PAIR.findall(string)}
        right = sum((question, letter) in pairs for question, letter in key.items())
        if right >= max(2, len(key) / 2):
            yield f"{text.place} holds {right} of the {len(key)} right letters of the quiz: take them out"


def _sentence(place: str, line: SecretLine) -> str:
    return f"{place} holds a secret line of {line.origin}: {line.text.strip()[:70]}"
