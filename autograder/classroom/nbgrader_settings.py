"""nbgrader's configuration as a folder's `nbgrader_config.py` says it."""

from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader


def config_of(folder: Path) -> Config:
    """The `Config` of the course directory `folder`. `ConfigFileNotFound` where it has none."""
    return Config(PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config())
