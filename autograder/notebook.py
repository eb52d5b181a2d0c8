"""`check` in a learner's notebook: judges the name as it stands in the kernel and shows the verdict."""

import contextlib
import dis
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

from IPython import get_ipython

from autograder import cells, render
from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component as find
from autograder.framework.exchange import Exchange, exchangeable
from autograder.framework.judge import judge, judge_with_exchange
from autograder.framework.solutions import worked_answers
from autograder.framework.usual import usual
from autograder.framework.verdict import Verdict
from utils import library, reference, session
from utils.manifest import load

_stopped: dict[str, Any] = {}  # exercise -> the answer whose check a learner had to stop


def check(name: str) -> float:
    """See `autograder.check`."""
    shell = get_ipython()
    namespace = shell.user_ns if shell is not None else {}
    exercise = load().exercise(name)
    if session.grading():  # the class judges where no learner's code runs, and shows this check's own verdict
        render.show_sentence(f"{name} is judged where its own check cell stands.")
        return 0.0
    if name not in namespace:
        render.show_sentence(f"{name} is not there yet: run the cell above that defines it, then this one.")
        return 0.0
    runs = cells.watch(shell)
    trouble = runs.trouble(name) if runs is not None else None
    if trouble is not None:
        render.show_sentence(
            f"{name} was not judged: the last run of its cell failed, and what is still in memory is older. {trouble}"
        )
        return 0.0
    try:
        with usual(), _silent():
            verdict = judge_in(namespace, name)
    except KeyboardInterrupt:
        _stopped[name] = namespace[name]
        render.show_sentence(f"The check of {name} was stopped. If it would not end: does a loop in your code never end?")
        return 0.0
    _stopped.pop(name, None)
    render.show(verdict, exercise, _worked_answer(name) if verdict.passed else None)
    endless = _endless(namespace, name)
    if endless:
        render.show_sentence(f"The check of {' and '.join(endless)} did not end above: the reference stood in.")
    absent = _absent(namespace, name)
    if absent:
        render.show_sentence(
            f"{name} calls {' and '.join(absent)}, not there since this kernel started: the reference stood in. "
            f"Run the cell{'s' if len(absent) > 1 else ''} of {' and '.join(absent)} again."
        )
    if verdict.passed:
        library.passed(name, namespace[name])
        # What does not end is no part of what is saved, and is not tried for it.
        names = {**namespace, **{other: reference.COMPONENTS[other] for other in endless}}
        library.keep(name, [source for source in namespace.get("In", []) if source], names, passes_alone(name))
    return 0.0 if exercise.stretch else float(verdict.points)


def _worked_answer(name: str) -> str | None:
    """The source to compare with; None in a class, and while notebooks are graded or built."""
    if session.grading() or session.building():
        return None
    return next((answer.source for answer in worked_answers(load()) if answer.name == name), None)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What an answer says on stderr while it is judged is not the check cell's."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler)]
        before = [(handler, handler.stream) for handler in handlers]
        for handler in handlers:
            handler.stream = nowhere
        try:
            yield
        finally:
            for handler, stream in before:
                handler.stream = stream


def _absent(namespace: dict[str, Any], name: str) -> list[str]:
    """The earlier components that the answer calls by their names and that this kernel does not have."""
    component = find(name)
    called = {other for code in _codes(namespace[name]) for other in _globals(code)}
    wanted = called & (component.earlier | set(component.chapter_mates)) - {name, *namespace}
    return [exercise.id for exercise in load().exercises if exercise.id in wanted]


def _endless(namespace: dict[str, Any], name: str) -> list[str]:
    """The earlier components as they stand whose checks had to be stopped: nothing that calls them would end."""
    earlier = exchangeable(find(name), namespace)
    return [other for other in earlier if other in _stopped and namespace.get(other) is _stopped[other]]


def _codes(answer: Any) -> list[CodeType]:
    """The code of a function, or of a class's own methods."""
    functions = vars(answer).values() if isinstance(answer, type) else [answer]
    return [function.__code__ for function in functions if isinstance(function, FunctionType)]


def _globals(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner)


def passes_alone(name: str) -> Callable[[Any], bool]:
    """`passes(answer)`: whether an answer to `name` passes its checks where nothing is exchanged."""
    return lambda answer: judge(LocalCandidate(find(name), answer)).passed


def judge_in(namespace: dict[str, Any], name: str) -> Verdict:
    """The `Verdict` on `namespace[name]`."""
    component = find(name)
    own = Exchange(namespace).own(component.earlier)

    def open_candidate(exchanged: Iterable[str]) -> LocalCandidate:
        return LocalCandidate(component, namespace[name], namespace, exchanged)

    others = exchangeable(component, own)
    if _endless(namespace, name):
        return judge(open_candidate(others))
    return judge_with_exchange(open_candidate, others)
