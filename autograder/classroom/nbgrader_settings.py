"""nbgrader's configuration as a folder's `nbgrader_config.py` says it."""

from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader


def config_of(folder: Path) -> Config:
    """The `Config` of the course directory `folder`. `ConfigFileNotFound` where it has none."""
    file = Path(folder, "nbgrader_config.py").absolute()  # as a path to look in, a `$` in it would be expanded
    return Config(PyFileConfigLoader(str(file)).load_config())
