"""Shows a verdict: as text for a terminal, as HTML for a notebook and nbgrader's feedback."""

from html import escape

from IPython.display import display

# Okabe–Ito blue and vermilion: told apart by colour-blind readers, and readable on light and dark.
_PASS, _FAIL, _WAIT = "#0072B2", "#D55E00", "#7F7F7F"


class Shown:
    """Something with a text and an HTML form."""

    def __init__(self, text, html):
        self._text, self._html = text, html

    def __repr__(self):
        return self._text

    def _repr_html_(self):
        return self._html


def number(points):
    """Points without needless zeros: 1, 1.5, 0.25."""
    return f"{points:g}"


def text(verdict):
    """The verdict as lines of text."""
    lines = [headline(verdict)]
    if verdict.sentence:
        lines.append(f"  Diagnosis ({verdict.misconception}): {verdict.sentence}")
    for check in verdict.checks:
        mark = "ok  " if check.passed else "wait" if check.rule == "not run" else "FAIL"
        lines.append(f"  {mark} {check.name}")
        if not check.passed:
            lines.append(f"       {check.message}")
    return "\n".join(lines)


def headline(verdict):
    """One line: the component and its points."""
    score = f"{number(verdict.points)} of {number(verdict.max_points)} points"
    if verdict.passed:
        return f"{verdict.component}: all {len(verdict.checks)} checks hold, {score}"
    held = sum(check.passed for check in verdict.checks)
    return f"{verdict.component}: {held} of {len(verdict.checks)} checks hold, {score}"


def html(verdict, stretch=False):
    """The verdict as an HTML fragment without scripts; every text is escaped."""
    colour = _PASS if verdict.passed else _FAIL
    parts = [f'<div style="border-left:4px solid {colour};padding:0.2em 0.8em">']
    extra = " (stretch: for you, not for the mark)" if stretch else ""
    parts.append(f"<p><strong>{escape(headline(verdict))}</strong>{extra}</p>")
    if verdict.sentence:
        name = f"<code>{escape(verdict.misconception)}</code>"
        parts.append(f"<p><strong>Diagnosis</strong> {name}: {_inline(verdict.sentence)}</p>")
    parts.append('<ul style="list-style:none;padding-left:0;margin:0">')
    order = sorted(verdict.checks, key=lambda check: (check.passed, check.rule == "not run"))
    parts += [_item(check) for check in order]
    parts.append("</ul></div>")
    return "".join(parts)


def _item(check):
    waits = check.rule == "not run"
    mark, colour = ("✓", _PASS) if check.passed else ("…", _WAIT) if waits else ("✗", _FAIL)
    word = "passed" if check.passed else "waits" if waits else "failed"
    line = f'<span style="color:{colour}" aria-label="{word}">{mark}</span> {escape(check.name)}'
    if not check.passed:
        line += f'<br><span style="margin-left:1.2em;display:inline-block">{_inline(check.message)}</span>'
    return f"<li>{line}</li>"


def _inline(message):
    """Escapes, and sets what stands between backticks as code."""
    pieces = escape(message).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def show(verdict, exercise):
    """Displays the verdict in a notebook; the output's metadata carry it for the class report."""
    short = {"component": verdict.component, "points": verdict.points, "misconception": verdict.misconception}
    display(Shown(text(verdict), html(verdict, exercise.stretch)), metadata={"course": short})


def show_sentence(sentence):
    """Displays one sentence where no verdict can be given."""
    display(Shown(sentence, f'<p style="border-left:4px solid {_FAIL};padding:0.2em 0.8em">{escape(sentence)}</p>'))
