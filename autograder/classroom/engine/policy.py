"""What a submission may take, as the instructor sets it: `c.GradingPolicy` in `nbgrader_config.py`."""

from traitlets import Float, Int
from traitlets.config import Configurable

from autograder.framework.isolation.limits import Limits

_USUAL = Limits()


class GradingPolicy(Configurable):
    """The limits of one submission."""

    cell_seconds = Float(
        _USUAL.cell_seconds, min=1, help="Seconds of processor time for a cell; of wall clock, four times as many."
    ).tag(config=True)
    memory_mb = Int(_USUAL.memory_bytes // 2**20, min=256, help="Megabytes of memory beyond what the course itself takes.").tag(
        config=True
    )
    processes = Int(_USUAL.processes, min=1, help="Processes at the same time.").tag(config=True)

    @property
    def limits(self) -> Limits:
        return Limits(self.cell_seconds, self.memory_mb * 2**20, self.processes)
