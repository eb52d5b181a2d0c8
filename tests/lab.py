"""Drives JupyterLab in headless Chromium as a learner does: menus, clicks, typing."""

import contextlib
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import TimeoutError as TimeoutError_
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TOKEN = "a-test"
TRIES, BEGIN_SECONDS, LOOK_SECONDS, RUN_SECONDS = 6, 20, 10, 600  # on a busy machine everything takes its time
# All cells stay in the page, so that a test can find each by what it says.
_SETTINGS = {"windowingMode": "none", "autoStartDefaultKernel": True}
_PROMPTS = "[...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent)"
_NOTHING_RUNS = f"{_PROMPTS}.every(prompt => !prompt.includes('*'))"
_LAST_CELL_RAN = f"before => /\\[\\d+\\]/.test({_PROMPTS}.at(-1)) && {_PROMPTS}.at(-1) !== before.at(-1)"
_START = """import sys; from pathlib import Path; from autograder.commands.lab import main
sys.exit(main(sys.argv[2:], Path(sys.argv[1])))"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(course, chapter):
    """JupyterLab on the copies of `course/work/`, started by `lab` itself; yields the address of the chapter."""
    settings = course / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps(_SETTINGS))
    port = free_port()
    command = [sys.executable, "-c", _START, str(course), chapter, "--no-browser", "--port", str(port), "--"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--LabApp.user_settings_dir={course / 'settings'}"]
    environment = {name: value for name, value in os.environ.items() if name not in ("NBGRADER_EXECUTION", "COURSE_BUILD")}
    environment["JUPYTER_CONFIG_DIR"] = str(course / "jupyter")  # where JupyterLab remembers which tabs were open
    log = open(course / "lab.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, cwd=course)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server, course / "lab.log")
        yield f"http://127.0.0.1:{port}/lab/tree/{chapter}/{chapter}.ipynb?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _wait_for(address, server, log):
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def page_of(playwright, chromium, address, screenshot):
    """A page on `address`; where the test fails, what it showed is kept as `screenshot`."""
    browser = playwright.chromium.launch(
        executable_path=chromium,
        args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
              "--disable-component-update", "--disable-sync"],
    )  # fmt: skip
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(120_000)
    try:
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        yield page
    except BaseException:
        screenshot.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(screenshot))
        raise
    finally:
        browser.close()


class Learner:
    """Somebody at the page of one notebook."""

    def __init__(self, page, path):
        self.page, self.path = page, path

    def cell(self, id):
        """The cell with this id, as the notebook's file lists it."""
        cells = self._saved()["cells"]
        index = next(i for i, cell in enumerate(cells) if cell["id"] == id)
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def _saved(self):
        """The notebook's file; where JupyterLab writes it at this moment, a moment later."""
        for _ in range(100):
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(self.path.read_text(encoding="utf-8"))
            time.sleep(0.1)
        return json.loads(self.path.read_text(encoding="utf-8"))

    def kernel_ready(self):
        """Waits until the kernel is idle; a box that asks for a kernel meanwhile is answered, whenever it comes.

        Where the notebook goes on without one, on a busy machine, its name "No Kernel" is pressed, which brings that box.
        """
        idle = "() => document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]') !== null"
        end = time.monotonic() + RUN_SECONDS
        for look in itertools.count(1):
            self.answer_a_question()
            if self._seen(idle, None, LOOK_SECONDS):
                return
            nothing = self.page.locator(".jp-KernelName, .jp-Toolbar-kernelName", has_text="No Kernel")
            if look % 3 == 0 and nothing.count() > 0:
                with contextlib.suppress(TimeoutError_):
                    nothing.first.click(timeout=LOOK_SECONDS * 1000)
            assert time.monotonic() < end, "no kernel is ready"

    def menu(self, menu, entry, seconds=120):
        for label, words in ((".lm-MenuBar-itemLabel", menu), (".lm-Menu-itemLabel", entry)):
            self.page.locator(label, has_text=re.compile(f"^{words}$")).first.click(timeout=seconds * 1000)

    def run_all(self):
        """Runs the notebook by the menu and waits until the last code cell has its number.

        What a person does: waits for the kernel, presses, looks whether something runs, and presses again if not.
        """
        before = self.page.evaluate(_PROMPTS)
        end = time.monotonic() + RUN_SECONDS
        while True:
            asked = self.answer_a_question()
            if asked or self.page.evaluate(_NOTHING_RUNS):
                self.kernel_ready()
                with contextlib.suppress(TimeoutError_):  # a box may come in the way at this very moment
                    self.menu("Run", "Run All Cells", LOOK_SECONDS)
            if self._seen(_LAST_CELL_RAN, before, LOOK_SECONDS):
                break
            assert time.monotonic() < end, "the notebook did not run to its end"
        self.finished()

    def answer_a_question(self):
        """Takes what a box in the way proposes: on a busy machine JupyterLab asks at times which kernel to take."""
        proposed = self.page.locator(".jp-Dialog .jp-mod-accept")
        asked = proposed.count() > 0
        if asked:
            # it may have gone meanwhile, or stay for a moment: who calls this looks again
            with contextlib.suppress(TimeoutError_):
                proposed.first.click(timeout=LOOK_SECONDS * 1000)
                self.page.locator(".jp-Dialog").first.wait_for(state="detached", timeout=LOOK_SECONDS * 1000)
        return asked

    def _seen(self, condition, argument, seconds):
        """Whether a condition of the page comes true within so many seconds."""
        try:
            self.page.wait_for_function(condition, arg=argument, timeout=seconds * 1000)
        except TimeoutError_:
            return False
        return True

    def finished(self):
        """Waits until nothing runs: no cell shows a star."""
        self.page.wait_for_timeout(500)
        self.page.wait_for_function(_NOTHING_RUNS, timeout=RUN_SECONDS * 1000)

    def write(self, id, source):
        """Replaces a cell's text."""
        editor = self.cell(id).locator(".cm-content").first
        editor.scroll_into_view_if_needed()
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def run(self, id):
        """Runs one cell and returns what it shows."""
        prompt = self.cell(id).locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        for _ in range(TRIES):  # a key that comes while the page is still being laid out is lost
            self.answer_a_question()
            self.cell(id).locator(".cm-content").first.click()
            self.page.keyboard.press("Control+Enter")
            if self._changes(prompt, before):
                break
        self.finished()
        return self.output(id)

    def _changes(self, prompt, before, seconds=BEGIN_SECONDS):
        end = time.monotonic() + seconds
        while prompt.inner_text() == before and time.monotonic() < end:
            self.page.wait_for_timeout(100)
        return prompt.inner_text() != before

    def output(self, id):
        area = self.cell(id).locator(".jp-OutputArea")
        return area.first.inner_text() if area.count() else ""

    def save(self):
        """Saves by the keyboard and waits for the file to change."""
        before = self.path.stat().st_mtime_ns
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+s")
        end = time.monotonic() + 30
        while self.path.stat().st_mtime_ns == before and time.monotonic() < end:
            time.sleep(0.2)
        assert self.path.stat().st_mtime_ns != before, "the notebook was not saved"


@contextlib.contextmanager
def learner(course, chapter, chromium, screenshot):
    """Somebody who started the course's JupyterLab in `course` and opened `chapter`."""
    with running(course, chapter) as address, sync_playwright() as playwright:
        with page_of(playwright, chromium, address, screenshot) as page:
            person = Learner(page, course / "work" / chapter / f"{chapter}.ipynb")
            person.kernel_ready()
            yield person
