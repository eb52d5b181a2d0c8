"""Drawings: well-formed, framed, shown as one image with a text; the explorers' shape; and one palette for all."""

import base64
import importlib
import re
from dataclasses import is_dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from utils import explorers, pictures, session
from utils.manifest import ROOT

CHAPTERS = sorted(path.parent.name for path in (ROOT / "utils" / "chapters").glob("*/explorer.py"))


def drawing(title: str = 'a < "b"', width: int = 100, height: int = 50, alt: str = 'one "bar" < two') -> pictures.Drawing:
    parts = (pictures.text(1, 2.345, "5 > 3 & 2", **pictures.CENTRED), pictures.rect(0, 0, 0.0, 9, "#ffffff"))
    return pictures.Drawing(title, parts, width, height, alt)


def svg_in(page: str) -> ElementTree.Element:
    """The drawing in the one image of a page."""
    (data,) = re.findall(r'<img [^<>]*src="data:image/svg\+xml;base64,([^"]+)">', page)
    return ElementTree.fromstring(base64.b64decode(data))


def test_elements_are_escaped_and_rounded_and_a_bar_of_nothing_is_seen() -> None:
    svg = svg_in(pictures.image(drawing()))
    words = svg.findall(".//{*}text")
    assert [word.text for word in words] == ['a < "b"', "5 > 3 & 2"]
    assert (words[1].get("y"), words[1].get("text-anchor")) == ("2.35", "middle")
    assert svg.findall(".//{*}rect")[1].get("width") == "0.5"


def test_drawings_side_by_side_are_one_image_with_their_texts(shown: list[dict[str, str]]) -> None:
    pictures.show([drawing(), drawing(width=60, height=80, alt="three")])
    (bundle,) = shown
    assert bundle["text/plain"] == 'one "bar" < two | three'
    assert bundle["text/html"].startswith('<img width="168" height="80" alt="one &quot;bar&quot; &lt; two | three" ')
    svg = svg_in(bundle["text/html"])
    assert svg.get("viewBox") == "0 0 168 80"
    assert [panel.get("transform") for panel in svg.findall("{*}g")] == ["translate(0)", "translate(108)"]


def test_a_drawing_has_a_white_ground_and_a_frame() -> None:
    frame = svg_in(pictures.image(drawing())).find(".//{*}rect")
    assert frame is not None and frame.get("fill") == "#ffffff" and frame.get("stroke")


def test_a_terminal_prints_the_text_and_grading_shows_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.show([drawing(alt="three")])
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    pictures.show([drawing(alt="four")])
    assert capsys.readouterr().out == "three\n"


def test_the_live_picture_is_the_still_one_and_follows_its_control(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    box = explorers.explore(
        "to draw", lambda widgets: {"width": widgets.IntSlider(50, 0, 100)}, lambda width: drawing(width=width)
    )
    assert box is not None
    controls, screen = box.children
    assert screen.value == pictures.image(drawing(width=50))
    controls.children[0].value = 70
    assert screen.value == pictures.image(drawing(width=70))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_explorer_has_a_setting_a_picture_still_pictures_and_a_live_one(chapter: str) -> None:
    explorer = importlib.import_module(f"utils.chapters.{chapter}.explorer")
    (setting,) = (name for name in vars(explorer) if name.endswith("Setting"))
    assert is_dataclass(getattr(explorer, setting)) and isinstance(getattr(explorer, setting)().title(), str)
    stem = setting.removesuffix("Setting").lower()
    for kind in ("picture", "settings", "explorer"):
        assert callable(getattr(explorer, f"{stem}_{kind}"))


def test_no_two_explorers_share_the_name_of_a_class() -> None:
    texts = [(ROOT / "utils" / "chapters" / chapter / "explorer.py").read_text(encoding="utf-8") for chapter in CHAPTERS]
    names = [name for text in texts for name in re.findall(r"^class (\w+)", text, re.MULTILINE)]
    assert len(names) == len(set(names)) >= len(CHAPTERS)


def test_colours_are_written_in_the_palette_and_nowhere_else() -> None:
    folders = [ROOT / "utils", ROOT / "autograder", ROOT / "solutions"]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    found = [_place(path) for path in files if re.search(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))]
    assert found == ["utils/palette.py"]


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_a_title_is_never_cut():
    short, long = (
        pictures.Drawing(title, (), 120, 60, "alt").framed() for title in ("one bar", "a title longer than its drawing")
    )
    assert "textLength" not in short and 'textLength="100"' in long
