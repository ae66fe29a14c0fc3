"""The table that every benchmark prints."""

from __future__ import annotations

from dataclasses import dataclass, field

# Beyond twice its goal a row fails; between the goal and that it is only marked, since machines are noisy.
TOLERANCE = 2.0


@dataclass
class Report:
    title: str
    lines: list[str] = field(default_factory=list)
    failed: bool = False

    def ratio(
        self, name: str, figure: float, floor: float, goal: float, *, unit: str, more: bool = False
    ) -> None:
        """A figure against a floor of the same run; ``more`` where a higher ratio is better."""
        ratio = figure / floor
        worse = goal / ratio if more else ratio / goal
        sign = ">=" if more else "<="
        self._add(name, f"{floor:10.4g} {figure:10.4g} {unit:<6} {ratio:7.2f}x  {sign} {goal:g}x", worse)

    def at_most(self, name: str, figure: float, goal: float, *, unit: str) -> None:
        """A figure that has no floor."""
        self._add(name, f"{'':10} {figure:10.4g} {unit:<6} {'':8}  <= {goal:g}", figure / goal)

    def print(self) -> bool:
        """Print the table; whether no row is beyond twice its goal."""
        print(f"\n{self.title}\n{'':44} {'floor':>10} {'figure':>10} {'':6} {'ratio':>8}  goal")
        print("\n".join(self.lines), flush=True)
        return not self.failed

    def _add(self, name: str, text: str, worse: float) -> None:
        mark = "" if worse <= 1 else "  over goal" if worse <= TOLERANCE else "  FAILED"
        self.failed = self.failed or worse > TOLERANCE
        self.lines.append(f"{name:<44} {text}{mark}")
