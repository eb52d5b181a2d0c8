"""What a gradebook holds, in a form that can be compared."""

from pathlib import Path

from nbgrader.api import Gradebook


def rows(folder, db_url=None):
    """{learner: all that nbgrader's gradebook of the course directory `folder`, or at `db_url`, says of their submissions}."""
    with Gradebook(db_url or f"sqlite:///{Path(folder)}/classroom/gradebook.db") as gradebook:
        return {
            submission.student.id: _submission(submission) for each in gradebook.assignments for submission in each.submissions
        }


def _submission(submission):
    grades = {
        grade.name: (
            grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade, grade.failed_tests, grade.score
        )
        for notebook in submission.notebooks
        for grade in notebook.grades
    }  # fmt: skip
    comments = {
        comment.name: (comment.auto_comment, comment.manual_comment)
        for notebook in submission.notebooks
        for comment in notebook.comments
    }
    late = [notebook.late_submission_penalty for notebook in submission.notebooks]
    return {
        "score": submission.score, "late": submission.total_seconds_late > 0, "penalties": late,
        "grades": grades, "comments": comments,
    }  # fmt: skip
