"""The pictures of the README show what the course shows now."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "docs"))

import pictures  # noqa: E402  (needs the path above)


def test_the_pictures_are_as_young_as_what_they_show():
    shown = json.loads(pictures.STAMP.read_text())["shown"]
    assert shown == pictures.digest(), "docs/*.png show an older course: python docs/pictures.py"


def test_every_picture_of_the_readme_is_there_and_made_by_the_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("chapter.png", "diagnosis.png"):
        assert f"(docs/{name})" in text and (ROOT / "docs" / name).stat().st_size > 20_000
