"""The page of feedback: nbgrader's own, whose formulas need no script from the network.

Each formula is MathML, which browsers draw themselves. One that cannot be made so, or whose MathML would hold more than marks
and letters (a learner's may), stands there as it was typed.
"""

import html
import re
from typing import Any
from xml.etree import ElementTree

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets import default

_SPACE = "{http://www.w3.org/1998/Math/MathML}"
_TAGS = {
    "math", "mrow", "mi", "mo", "mn", "ms", "mtext", "mspace", "mstyle", "mpadded", "mphantom", "menclose", "mfrac", "msqrt",
    "mroot", "msub", "msup", "msubsup", "mover", "munder", "munderover", "mtable", "mtr", "mtd",
}  # fmt: skip
_ATTRIBUTES = {
    "display", "displaystyle", "scriptlevel", "mathvariant", "mathsize", "stretchy", "fence", "form", "separator", "symmetric",
    "minsize", "maxsize", "lspace", "rspace", "width", "height", "depth", "columnalign", "columnspacing", "rowspacing",
    "columnlines", "rowlines", "accent", "linethickness", "movablelimits", "largeop", "notation",
}  # fmt: skip
_VALUE = re.compile(r"[\w .%+-]*")
NO_SCRIPT = "data:text/javascript,"


class FeedbackPage(HTMLExporter):
    """nbconvert's exporter of pages, with formulas as MathML."""

    @default("mathjax_url")
    def _no_mathjax(self) -> str:
        return NO_SCRIPT

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML, as nbconvert makes it but for the formulas."""
        path = context.get("resources", {}).get("metadata", {}).get("path", "")
        renderer = _Renderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=self.embed_images,
            path=path,
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
        )
        return MarkdownWithMath(renderer=renderer).render(source)


class _Renderer(IPythonRenderer):
    def block_math(self, body: str) -> str:
        return _formula(body, "block", "$$")

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline", "$")


def _formula(latex: str, display: str, mark: str) -> str:
    made = mathml(latex, display)
    return html.escape(f"{mark}{latex}{mark}", quote=False) if made is None else made


def mathml(latex: str, display: str = "inline") -> str | None:
    """A formula as MathML of marks and letters alone; None where it cannot be had."""
    try:
        made = convert(latex, display=display)
        tree = ElementTree.fromstring(made)
    except Exception:  # noqa: BLE001 (its errors are of many types, and a learner may type anything)
        return None
    for part in tree.iter():
        if part.tag.removeprefix(_SPACE) not in _TAGS:
            return None
        if any(name not in _ATTRIBUTES or not _VALUE.fullmatch(value) for name, value in part.attrib.items()):
            return None
    return made
