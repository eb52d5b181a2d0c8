"""The gradebook as a class is graded: open once, and one transaction for each submission.

nbgrader's steps open the gradebook a dozen times for one submission, with a connection, a look at all tables and a cache of
statements of its own each time, ask for each cell by itself, and end a transaction for each. Here they are given one that is
open already, and that asks once for all cells of a notebook: what they commit waits until all of a submission is there. So a
kill leaves a submission in the gradebook whole, or not at all.
"""

from __future__ import annotations

import functools
import logging
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema
import orjson
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from nbgrader import api
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    SourceCell,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
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
        self._view: _View | None = None

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
        self._view = _View(self._whole, course_id)
        return self._view

    def _later(self) -> None:
        if self._view is not None and self._view.keeps_back():
            return
        self._session.flush()
        self._session.expire_all()  # as after a commit: what the database computes is read again


class _View(Gradebook):
    """The open gradebook, as one of nbgrader's steps sees it. What it finds by cells it has found for all of a notebook."""

    def __init__(self, whole: Gradebook, course_id: str):
        self.engine, self.db = whole.engine, whole.db
        self.course_id, self.authenticator = course_id, whole.authenticator
        assert isinstance(self.db, scoped_session)
        self._rows: dict[tuple, dict[str, Any]] = {}
        self._marks: set[Any] = set()  # the grades and comments among them

    def close(self) -> None:
        """The next step gets the same one."""
        if self.keeps_back():
            self.db.flush()
        self.db.expire_all()

    def keeps_back(self) -> bool:
        """Whether all that has changed is grades and comments found here: they are written together, with the next question."""
        others = self.db.new or self.db.deleted or not self._marks.issuperset(self.db.dirty)
        return bool(self.db.dirty) and not others

    def find_source_cell(self, name: str, notebook: str, assignment: str) -> SourceCell:
        """As nbgrader's, with one question for all cells of the notebook."""
        found = self._cells(SourceCell, notebook, assignment).get(name)
        return found or super().find_source_cell(name, notebook, assignment)

    def find_graded_cell(self, name: str, notebook: str, assignment: str) -> GradeCell | TaskCell:
        """As nbgrader's, with one question for all cells of the notebook."""
        found = self._cells(GradeCell, notebook, assignment).get(name)
        return found or super().find_graded_cell(name, notebook, assignment)

    def find_grade(self, grade_cell: str, notebook: str, assignment: str, student: str) -> Grade:
        """As nbgrader's, with one question for all grades of the notebook."""
        found = self._mark(Grade, GradeCell, notebook, assignment, student, grade_cell)
        return found or super().find_grade(grade_cell, notebook, assignment, student)

    def find_comment(self, solution_cell: str, notebook: str, assignment: str, student: str) -> Comment:
        """As nbgrader's, with one question for all comments of the notebook."""
        found = self._mark(Comment, SolutionCell, notebook, assignment, student, solution_cell)
        return found or super().find_comment(solution_cell, notebook, assignment, student)

    def add_submission(self, assignment: str, student: str, **kwargs: Any) -> SubmittedAssignment:
        """As nbgrader's, which else would write its first rows before it has all of them."""
        with self.db.no_autoflush:
            return super().add_submission(assignment, student, **kwargs)

    def _cells(self, kind: Any, notebook: str, assignment: str) -> dict[str, Any]:
        key = kind, notebook, assignment
        if key not in self._rows:
            query = self.db.query(kind).join(Notebook, Notebook.id == kind.notebook_id)
            query = query.join(Assignment, Assignment.id == Notebook.assignment_id)
            found = query.filter(Notebook.name == notebook, Assignment.name == assignment)
            self._rows[key] = {cell.name: cell for cell in found}
        return self._rows[key]

    def _mark(self, kind: Any, of: Any, notebook: str, assignment: str, student: str, cell: str) -> Any:
        key = kind, notebook, assignment, student
        if key not in self._rows:
            self._rows[key] = dict(self._marks_of(kind, of, notebook, assignment, student).all())
            self._marks.update(self._rows[key].values())
        found = self._rows[key].get(cell)
        if found in self.db.dirty:
            self.db.flush()  # after which what the database computes of it is read again
        return found

    def _marks_of(self, kind: Any, of: Any, notebook: str, assignment: str, student: str) -> Any:
        query = self.db.query(of.name, kind).join(of, of.id == kind.cell_id)
        query = query.join(SubmittedNotebook, SubmittedNotebook.id == kind.notebook_id)
        query = query.join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        query = query.join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        query = query.join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        named = query.filter(Notebook.name == notebook, Assignment.name == assignment)
        return named.filter(SubmittedAssignment.student_id == student)


@contextmanager
def _exchanged(old: Any, new: Any) -> Iterator[None]:
    """Puts `new` wherever a module of nbgrader or of the class's steps has taken `old` from `nbgrader.api`."""
    modules = map(sys.modules.get, _users(len(sys.modules)))
    places = [m for m in modules if m is not sys.modules[__name__] and getattr(m, old.__name__, None) is old]
    for module in places:
        setattr(module, old.__name__, new)
    try:
        yield
    finally:
        for module in places:
            setattr(module, old.__name__, old)


@functools.lru_cache(maxsize=1)
def _users(count: int) -> list[str]:
    """The names of nbgrader's modules and of the class's steps, looked up anew when the `count` of all modules changes."""
    return [name for name in sys.modules if name.startswith(("nbgrader.", "autograder.classroom."))]


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
    try:
        if _is_valid(orjson.dumps(instance), orjson.dumps(schema)):
            return
    except orjson.JSONEncodeError:
        pass
    jsonschema.validate(instance, schema)  # which says what is wrong


@functools.lru_cache(maxsize=1000)
def _is_valid(instance: bytes, schema: bytes) -> bool:
    """Of texts: the cells of one chapter are the same for all its learners."""
    return _validator(schema).is_valid(orjson.loads(instance))


@functools.lru_cache(maxsize=8)
def _validator(schema: bytes) -> Validator:
    whole = orjson.loads(schema)
    kind = validator_for(whole)
    kind.check_schema(whole)
    return kind(whole)
