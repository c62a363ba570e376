"""One line of bench.json."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of bench.json; `value` is None where it could not be measured."""

    name: str
    value: float | None
    unit: str
    budget: float | None = None
    peer: float | None = None

    @property
    def holds(self) -> bool | None:
        """Is it within its budget? None without one."""
        if self.budget is None or self.value is None:
            return None if self.budget is None else False
        return self.value >= self.budget if self.unit == "ratio" else self.value <= self.budget
