"""Keeps within the requests a minute that a server allows, together with all other runs on this machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path

from orchctl.errors import LocalFault, Unavailable
from orchctl.paths import locked, state_dir, write_private

_MINUTE = 60.0
_PATIENCE = 5.0


class Pace:
    """Holds calls back when their budget is used up. ``path`` is shared by all that draw on the same budgets."""

    def __init__(
        self,
        path: Path,
        budgets: Mapping[str, int],
        *,
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._budgets = budgets
        self._notify = notify
        self._clock = clock
        self._sleep = sleep
        self._told = False

    @classmethod
    def of(cls, tenant: str, budgets: Mapping[str, int], notify: Callable[[str], None]) -> Pace:
        """``tenant`` is whatever tells one set of budgets from another."""
        name = hashlib.sha256(tenant.encode()).hexdigest()[:16]
        return cls(state_dir() / "pace" / f"{name}.json", budgets, notify=notify)

    def __call__(self, meter: str, left: float = inf) -> float:
        """Wait until the call may go out, and give the seconds that took. The call counts from then on.

        :raises Unavailable: there are only so many seconds left.
        """
        waited = 0.0
        while (pause := self._ask(meter)) > 0:
            if pause > left - waited:
                raise Unavailable(
                    f"the server allows {self._budgets[meter]} requests a minute for {meter}: "
                    f"the next one may go out in {pause:.0f} s",
                    hint="it was not sent; try later",
                    wait=pause,
                )
            if not self._told or pause >= 1:
                self._told = True
                self._notify(
                    f"the server allows {self._budgets[meter]} requests a minute for {meter}: "
                    f"waiting {pause:.0f} s"
                )
            self._sleep(pause)
            waited += pause
        return waited

    def _ask(self, meter: str) -> float:
        """Seconds until there is room; 0 takes it. Without a state folder nothing is held back."""
        limit = self._budgets.get(meter)
        if limit is None:
            return 0.0
        try:
            with locked(self._path.with_suffix(".lock"), wait=_PATIENCE):
                now = self._clock()
                everything = self._load()
                recent = [moment for moment in everything.get(meter, ()) if now - _MINUTE < moment <= now]
                if len(recent) >= limit:
                    return max(0.01, recent[-limit] + _MINUTE - now)
                everything[meter] = [*recent, now]
                write_private(self._path, json.dumps(everything).encode())
        except LocalFault:
            pass
        return 0.0

    def _load(self) -> dict[str, list[float]]:
        try:
            data = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(data, dict):
            return {}
        return {
            meter: sorted(moment for moment in moments if isinstance(moment, int | float))
            for meter, moments in data.items()
            if isinstance(moments, list)
        }
