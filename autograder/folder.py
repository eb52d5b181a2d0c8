"""Where a course may lie: nbgrader and the build go astray in some folders, and say so before they do."""

from pathlib import Path

UNFIT = "[]*?%$"  # in a path nbgrader takes these for patterns, for parts of an address and for names of variables


def unfit(folder: Path) -> str | None:
    """The sentence for a folder in which nbgrader and the build would go astray, else None."""
    found = [sign for sign in UNFIT if sign in str(folder)]
    if not found:
        return None
    return (
        f"nbgrader cannot work in {folder}, for the {' and '.join(found)} in its path: rename the folder (letters of any "
        "language, digits, spaces, - and _ will do) and start again. What a learner does works as it is."
    )
