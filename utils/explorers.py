"""What the chapters' explorers share: controls, and a drawing that follows them.

ipywidgets is imported only where widgets run.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from utils import session
from utils.pictures import Drawing, image

NAMES_WIDTH = "115px"  # of the controls' names


def explore(purpose: str, controls: Callable[[ModuleType], dict[str, Any]], draw: Callable[..., Drawing]) -> Any:
    """A box of controls, and beside them the drawing that follows them; where no widgets run, one line says so, and None.

    `controls(ipywidgets)` makes the controls by name, `draw` takes their values by these names. `purpose` says what a reader
    would do with them: "to move the hands".
    """
    if not session.widgets_work():
        print(f"Open this notebook in JupyterLab {purpose}.")
        return None
    import ipywidgets

    made, screen = controls(ipywidgets), ipywidgets.HTML()

    def follow(_: object = None) -> None:
        screen.value = image(draw(**{name: control.value for name, control in made.items()}))

    for control in made.values():
        control.style.description_width = NAMES_WIDTH
        control.observe(follow, names="value")
    follow()
    return ipywidgets.HBox([ipywidgets.VBox(list(made.values())), screen])
