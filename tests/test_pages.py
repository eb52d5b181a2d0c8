"""What a learner's submission puts on the pages of formgrader and feedback: it is shown, and nothing of it runs."""

import base64

import nbformat
import nbgrader
import pytest
from nbconvert.exporters import HTMLExporter
from playwright.sync_api import sync_playwright
from traitlets.config import Config

from autograder.classroom import pages
from autograder.classroom.formulas import NO_SCRIPT, FeedbackPage, mathml
from utils.manifest import load

pytestmark = pytest.mark.browser
ALARM = "alarm()"
PNG = base64.b64encode(b"\x89PNG").decode()

MARKDOWN = [
    f"<script>{ALARM}</script>",
    f"words <img src=x onerror={ALARM}> words",
    f"<div onclick='{ALARM}'>\n\n<b onmouseover={ALARM}>bold</b>\n\n</div>",
    f"<svg onload={ALARM}></svg>",
    f"[a link](javascript:{ALARM})",
    f"![a picture](javascript:{ALARM})",
    f"[a link](JaVaScRiPt:{ALARM} 'title')",
    f"[a name]: javascript:{ALARM}\n\n[a link][a name]",
    f"<javascript:{ALARM}>",
    f"<a href='javascript:{ALARM}'>click</a>",
    f"- in a list\n  <iframe srcdoc='<script>{ALARM}</script>'></iframe>",
    f"> quoted <script>{ALARM}</script>",
    f"| a | b |\n|---|---|\n| <script>{ALARM}</script> | 1 |",
    f"<!-- --><script>{ALARM}</script>",
    f"<![CDATA[ ]]><script>{ALARM}</script>",
    f"<scr<script>ipt>{ALARM}</script>",
    f"# <script>{ALARM}</script>",
    f"$x$ <style onload={ALARM}></style>",
    f"$<script>{ALARM}</script>$",
    f"$$<script>{ALARM}</script>$$",
    f"$\\text{{<script>{ALARM}</script>}}$ and $\\href{{javascript:{ALARM}}}{{x}}$ {ALARM}",
    f"\\begin{{align}}<script>{ALARM}</script>\\end{{align}}",
    f"<details ontoggle={ALARM} open><summary>hint</summary>\n\n<script>{ALARM}</script>\n</details>",
    f"```html\n<script>{ALARM}</script>\n```\n<script>{ALARM}</script>",
    f"<meta http-equiv=refresh content='0;url=javascript:{ALARM}'>",
    f"<form action='javascript:{ALARM}'><button>press</button></form>",
    f"<object data='javascript:{ALARM}'></object><embed src='javascript:{ALARM}'>",
    f"`code` <x\ny onmouseover={ALARM}>",
    f"[a link](java&#115;cript:{ALARM})",
    f"[a link](&#x6A;avascript:{ALARM})",
    f"[a link](\x01javascript:{ALARM})",
    f"[a link](data:text/html,<script>{ALARM}</script>)",
]
DATA = [
    {"text/html": f"<script>{ALARM}</script>"},
    {"text/html": f"<script>{ALARM}</script>", "text/plain": f"<script>{ALARM}</script>"},
    {"application/javascript": ALARM, "text/plain": "x"},
    {"image/svg+xml": f"<svg><script>{ALARM}</script></svg>"},
    {"text/markdown": f"<script>{ALARM}</script>"},
    {"text/latex": f"<script>{ALARM}</script>"},
    {"image/png": f'"><script>{ALARM}</script>'},
    {"application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{ALARM}</script>"}},
]
STREAMS = [
    {"output_type": "stream", "name": "stdout", "text": f"<script>{ALARM}</script>\x1b[31m<img onerror={ALARM}>"},
    {"output_type": "error", "ename": f"<script>{ALARM}</script>", "evalue": "x", "traceback": [f"<script>{ALARM}</script>"]},
]


@pytest.fixture(scope="module", params=["formgrade", "feedback"])
def exporter(request):
    """nbgrader's own exporter of a page."""
    config = Config()
    config.HTMLExporter.template_name = request.param
    formgrader = f"{nbgrader.__path__[0]}/server_extensions/formgrader"
    config.HTMLExporter.extra_template_basedirs = [f"{formgrader}/templates"]
    config.HTMLExporter.extra_template_paths = [f"{formgrader}/static/node_modules/bootstrap/dist/css"]
    return (FeedbackPage if request.param == "feedback" else HTMLExporter)(config=config)


@pytest.fixture(scope="module")
def browser(chromium):
    """A page of Chromium, without a network."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = started.new_page()
        opened.route("**/*", lambda route: route.abort())
        yield opened
        started.close()


RUNS = """
() => [...document.querySelectorAll("*")].filter(tag => (tag.tagName === "SCRIPT" && tag.text.includes("alarm()"))
        || [...tag.attributes].some(it => it.value.includes("alarm()")
            && (it.name.startsWith("on") || it.name === "srcdoc" || /javascript:/i.test(it.value)))).length
"""


def runs(browser, shown):
    """How many elements of a page would run what a learner wrote."""
    browser.set_content(shown, wait_until="domcontentloaded")
    return browser.evaluate(RUNS)


def page(exporter, cells):
    resources = {"index": 0, "total": 1, "base_url": "", "my_url": "", "assignment_id": "a", "notebook_id": "a",
                 "submission_id": "s", "prev": None, "next": None, "mathjax_url": NO_SCRIPT, "last_name": "", "first_name": "",
                 "notebook_path": "", "keyword_type": "",
                 "nbgrader": {"score": 0.0, "max_score": 0.0, "late_penalty": 0.0}}  # fmt: skip
    return exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells), resources=resources)[0]


def test_the_attacks_are_attacks(browser, exporter):
    """Without the cleaning most of the texts would run."""
    hurt = [text for text in MARKDOWN if runs(browser, page(exporter, [nbformat.v4.new_markdown_cell(text)]))]
    assert len(hurt) > len(MARKDOWN) / 2


@pytest.mark.parametrize("text", [*MARKDOWN, *(("raw", text) for text in MARKDOWN[:3])])
def test_no_text_of_a_learner_runs(browser, exporter, text):
    raw, text = (True, text[1]) if isinstance(text, tuple) else (False, text)
    cell = nbformat.v4.new_raw_cell(text) if raw else nbformat.v4.new_markdown_cell(text)
    pages.safe_cell(cell)
    assert not runs(browser, page(exporter, [cell]))
    if "](" not in text and "]:" not in text:
        assert ALARM in browser.inner_text("body")


@pytest.mark.parametrize("outputs", [[{"output_type": "display_data", "metadata": {"filenames": {"image/png": f'"{ALARM}'}},
                                       "data": data}] for data in DATA] + [[stream] for stream in STREAMS])  # fmt: skip
def test_no_output_of_a_learner_runs(browser, exporter, outputs):
    cell = nbformat.v4.new_code_cell("x", outputs=nbformat.from_dict(pages.safe_outputs(outputs)))
    assert not runs(browser, page(exporter, [cell]))


@pytest.mark.parametrize("name", ["a.png", "my picture (1).png", f'"><script>{ALARM}</script>', "image.png' onerror='alarm()"])
@pytest.mark.parametrize("bundle", [{"image/png": PNG}, {"image/png": f'"><script>{ALARM}</script>'}, {"text/html": ALARM}, {}])
def test_pasted_pictures_stay_and_nothing_else_does(browser, exporter, name, bundle):
    cell = nbformat.v4.new_markdown_cell(f"![pasted](attachment:{name})", attachments={name: bundle})
    pages.safe_cell(cell)
    assert not runs(browser, page(exporter, [cell]))
    kept = name in ("a.png", "my picture (1).png") and bundle == {"image/png": PNG}
    assert ("attachments" in cell) is kept


@pytest.mark.parametrize("text", [
    "Two sentences. With *stress* and `x < y` and `<b>` in code.",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "$a < b$ and $$\\frac{1}{\\sqrt{d_k}}$$",
    "- a list\n- of two\n\n> a quote\n\n```python\nif a < b and b > c: print('<b>')\n```",
    "a < b, a<5, and b > c & d",
    "[a link](https://example.org) and ![a picture](https://example.org/x.png)",
])  # fmt: skip
def test_plain_answers_stay_as_they_are(text):
    assert pages.safe_markdown(text) == text


def test_outputs_keep_text_and_pictures():
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/plain": "alt", "image/png": PNG, "text/html": "<i>"}}
    ]
    assert pages.safe_outputs(outputs)[0]["data"] == {"text/plain": "alt", "image/png": PNG}


def test_every_formula_of_the_course_is_drawn_without_a_network(browser):
    config = Config()
    config.HTMLExporter.template_name = "basic"
    texts = []
    for chapter in load().chapters:
        cells = nbformat.read(load().released_notebook(chapter.id), as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "markdown" and "$" in cell.source]
    shown = page(FeedbackPage(config=config), [nbformat.v4.new_markdown_cell(text) for text in texts])
    browser.set_content(shown, wait_until="domcontentloaded")
    widths = browser.evaluate("[...document.querySelectorAll('math')].map(it => it.getBoundingClientRect().width)")
    # A row of dollar signs in code is no formula; what stands outside code is.
    left = browser.evaluate(
        "[...document.querySelectorAll('p, li, td')].map(it => { const copy = it.cloneNode(true);"
        " copy.querySelectorAll('code, pre').forEach(code => code.remove()); return copy.textContent })"
        ".filter(text => text.includes('$') || text.includes('\\\\frac'))"
    )
    assert len(widths) > 300 and min(widths) > 0 and left == []


@pytest.mark.parametrize("latex", [
    r"\text{<script>alarm()</script>}", r"\href{javascript:alarm()}{x}", r"\style{background:url(x)}{x}", r"\class{a}{x}",
    r"\color{red}{x}", r"\begin{matrix}",
])  # fmt: skip
def test_a_formula_that_could_do_more_than_be_read_stays_as_it_was_typed(latex):
    assert mathml(latex) is None


def test_a_formula_becomes_marks_and_letters():
    assert mathml(r"\frac{a}{b} < 1").startswith("<math") and "mfrac" in mathml(r"\frac{a}{b}")
