"""The virtual wallbox: supervisor, electrical model, control socket."""

from pilotwire.sim.supervisor import Supervisor
from pilotwire.timeline import Event

__all__ = ["Event", "Supervisor"]
