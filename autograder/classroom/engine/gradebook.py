"""The gradebook as a class is graded: open once, and one transaction for each submission.

nbgrader's steps open the gradebook a dozen times for one submission, with a connection, a look at all tables and a cache of
statements of its own each time, and end a transaction for each cell. Here they are given one that is open already: what they
commit waits until all of a submission is there. So a kill leaves a submission in the gradebook whole, or not at all.
"""

from __future__ import annotations

import functools
import json
import logging
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from nbgrader import api
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import common
from sqlalchemy.orm import scoped_session

NO_COURSE = "default_course"  # nbgrader's steps name none


class SharedGradebook:
    """nbgrader's gradebook, for its own steps. Use it in a `with` statement."""

    def __init__(self, db_url: str, course_id: str):
        self._whole = Gradebook(db_url, course_id)
        self._session = self._whole.db
        for course in {course_id, NO_COURSE}:
            self._whole.check_course(course)
        self._commit: Callable[[], None] = self._session.commit
        self._session.commit = self._later

    def __enter__(self) -> SharedGradebook:
        return self

    def __exit__(self, *_: object) -> None:
        self._whole.close()

    @contextmanager
    def submission(self) -> Iterator[None]:
        """Within it nbgrader's steps are given this gradebook; what they change and `save` does not write is given up."""
        try:
            with _exchanged(Gradebook, self._open), _schema_checked_once(), _quiet(api.app_log):
                yield
        finally:
            self._session.remove()

    def save(self) -> None:
        """Writes what the steps have changed. Raises `sqlalchemy.exc.OperationalError` where the gradebook is locked."""
        self._commit()

    def _open(self, db_url: str, course_id: str = NO_COURSE, authenticator: Any = None) -> Gradebook:
        return _View(self._whole, course_id)

    def _later(self) -> None:
        self._session.flush()
        self._session.expire_all()  # as after a commit: what the database computes is read again


class _View(Gradebook):
    """The open gradebook, as one of nbgrader's steps sees it."""

    def __init__(self, whole: Gradebook, course_id: str):
        self.engine, self.db = whole.engine, whole.db
        self.course_id, self.authenticator = course_id, whole.authenticator
        assert isinstance(self.db, scoped_session)

    def close(self) -> None:
        """The next step gets the same one."""
        self.db.expire_all()


@contextmanager
def _exchanged(old: Any, new: Any) -> Iterator[None]:
    """Puts `new` wherever a module of nbgrader or of the class's steps has taken `old` from `nbgrader.api`."""
    modules = [module for name, module in sys.modules.items() if name.startswith(("nbgrader.", "autograder.classroom."))]
    places = [m for m in modules if m is not sys.modules[__name__] and getattr(m, old.__name__, None) is old]
    for module in places:
        setattr(module, old.__name__, new)
    try:
        yield
    finally:
        for module in places:
            setattr(module, old.__name__, old)


@contextmanager
def _quiet(log: logging.Logger) -> Iterator[None]:
    """nbgrader prints a traceback of each error of the database that it raises: the coordinator says it in a sentence."""
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before


@contextmanager
def _schema_checked_once() -> Iterator[None]:
    """nbgrader checks for each cell not only the cell by its schema, but also the schema."""
    checked = types.SimpleNamespace(validate=_validate)
    whole, common.jsonschema = common.jsonschema, checked
    try:
        yield
    finally:
        common.jsonschema = whole


def _validate(instance: object, schema: dict[str, Any]) -> None:
    if not _validator(json.dumps(schema)).is_valid(instance):
        jsonschema.validate(instance, schema)  # which says what is wrong


@functools.lru_cache(maxsize=8)
def _validator(schema: str) -> Validator:
    whole = json.loads(schema)
    kind = validator_for(whole)
    kind.check_schema(whole)
    return kind(whole)
