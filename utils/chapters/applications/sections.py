"""The course's own text, cut at its headings: something to search in."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from utils.manifest import ROOT, load

_HEADING = re.compile(r"^#{1,6} +(.+)$")
_HINT = re.compile(r"<details>.*?</details>|<!--.*?-->", re.DOTALL)
_FORMULA = (  # words for what a model of language does not read
    (re.compile(r"\\sqrt\s*(\{[^{}]*\}|\w+)"), r"square root of \1"),
    (re.compile(r"\\([A-Za-z]+)"), r"\1"),
    (re.compile(r"[$`{}\\]|\*\*"), ""),
)
_NOT_TOLD = ("hints-", "written")  # how the names of cells begin that explain nothing
_TABLE = re.compile(r"^\|.*\|$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What stands under one heading of a notebook."""

    chapter: str
    heading: str
    text: str

    @property
    def whole(self) -> str:
        """Heading and text in one."""
        return f"{self.heading}. {self.text}"


def sections(root: Path = ROOT) -> list[Section]:
    """The sections of the chapters before chapter 8, in the course's order, from the released notebooks.

    Hints, tables and questions to answer in writing are left out, and so are sections without a sentence of their own.
    """
    found = []
    for chapter in load(root).chapters:
        path = root / "notebooks" / chapter.id / f"{chapter.id}.ipynb"
        if chapter.id < "08" and path.is_file():
            found += list(_cut(chapter.id, json.loads(path.read_text(encoding="utf-8"))["cells"]))
    return found


def _cut(chapter: str, cells: list[dict]) -> Iterator[Section]:
    heading, lines = "", list[str]()
    prose = [cell for cell in cells if cell["cell_type"] == "markdown" and not cell.get("id", "").startswith(_NOT_TOLD)]
    text = "\n\n".join("".join(cell["source"]) for cell in prose)
    for line in [*_TABLE.sub("", _HINT.sub("", text)).splitlines(), "# end"]:
        match = _HEADING.match(line)
        if not match:
            lines.append(line)
            continue
        body = _plain(" ".join(lines))
        if heading and body:
            yield Section(chapter, heading, body)
        heading, lines = _plain(match[1]), []


def _plain(text: str) -> str:
    for pattern, words in _FORMULA:
        text = pattern.sub(words, text)
    return " ".join(text.split())
