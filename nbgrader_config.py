"""nbgrader's configuration, which it reads from the folder that it runs in: run its commands here."""

import os
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent
if str(COURSE) not in sys.path:
    sys.path.insert(0, str(COURSE))

from autograder.builder.preprocessors import release_chain  # noqa: E402  (needs the path above)
from autograder.classroom import autograding  # noqa: E402
from autograder.folder import unfit  # noqa: E402
from utils.manifest import load  # noqa: E402

# Before anything is written or deleted; a learner's `submit` reads this file too, and can do.
COMMAND = Path(sys.argv[0])
if "nbgrader" in (COMMAND.stem, COMMAND.parent.name) or "autograde" in sys.argv:
    problem = unfit(COURSE) or unfit(Path.cwd())
    if problem:
        sys.exit(problem)

# nbgrader calls `alembic` by name for a new gradebook; without an activated environment it is not found.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

CLASSROOM = COURSE / "classroom"
if (COURSE / "solutions").is_dir():
    CLASSROOM.mkdir(exist_ok=True)  # SQLite makes no folders; a learner's course needs none

c = get_config()  # noqa: F821  (nbgrader supplies it)

c.CourseDirectory.course_id = "transformers"
c.CourseDirectory.root = str(COURSE)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.CourseDirectory.submitted_directory = "classroom/submitted"
c.CourseDirectory.autograded_directory = "classroom/autograded"
c.CourseDirectory.feedback_directory = "classroom/feedback"
c.CourseDirectory.solution_directory = "classroom/solution"
c.CourseDirectory.source_with_tests_directory = "classroom/source_with_tests"
c.CourseDirectory.db_url = f"sqlite:///{CLASSROOM / 'gradebook.db'}"

# nbgrader copies the other files of a source folder into the release and into every autograded submission.
# These stay. Exact names: "*.py" would also drop a learner's own helper.py.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "feedback",  # nbgrader's defaults
    "misconceptions.py",
    "variants.py",
    "uncatalogued.py",
    "hidden_checks.py",
    "quiz.toml",
    *[f"{chapter.id}.py" for chapter in load(COURSE).chapters],
]

c.GenerateAssignment.preprocessors = release_chain()
c.GenerateAssignment.force = True  # the released notebooks are here already: it makes the same bytes, and the gradebook
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Your turn: replace this line.")'}
c.ClearSolutions.text_stub = "*Your answer here: two to five sentences.*"

c.Autograde.sanitize_preprocessors = autograding.sanitize_chain()
c.Autograde.autograde_preprocessors = autograding.autograde_chain()
c.Autograde.exporter_class = autograding.SubmissionExporter
c.Autograde.pre_convert_hook = autograding.adopt_renamed
if "autograde" in sys.argv:
    # The class of the folder that nbgrader runs in: another course directory may have taken this configuration over.
    autograding.adopt_capitals(Path.cwd() / "classroom" / "submitted")
    autograding.drop_half_graded(Path.cwd() / "classroom" / "autograded")
c.GenerateFeedback.preprocessors = autograding.feedback_chain()
c.GenerateFeedback.exporter_class = "autograder.classroom.formulas.FeedbackPage"

c.ExportPlugin.to = str(CLASSROOM / "grades.csv")

c.ExchangeCollect.update = True  # the last that a learner handed in counts

# The zips of `course.py submit`, whatever a learning platform or a browser adds to their names: CHAPTER--LEARNER--TIME.zip
c.FileNameCollectorPlugin.named_regexp = (
    r".*--(?P<student_id>[^/\\]+?)--(?P<timestamp>\d{4}-\d\d-\d\d-\d{6})[^/\\]*[/\\][^/\\]+[/\\](?P<file_id>.+)$"
)
c.FileNameCollectorPlugin.valid_ext = [".ipynb", ".py", ".txt", ".md", ".csv", ".json", ".toml", ".png", ".jpg", ".svg"]

if "COURSE_EXCHANGE" in os.environ:
    c.Exchange.root = os.environ["COURSE_EXCHANGE"]
