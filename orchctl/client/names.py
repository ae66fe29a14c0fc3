"""Names where an answer has only ids: one request for each robot, process and version of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from orchctl.client.core import Core
from orchctl.dialects.base import Feature
from orchctl.errors import NetworkFault, OrchctlError, Unavailable
from orchctl.transport import PlannedRequest

if TYPE_CHECKING:
    from orchctl.model import Json, ProcessVersion

K = TypeVar("K")


class _Native(Protocol):
    @property
    def id(self) -> str | None: ...

    @property
    def native(self) -> Json: ...


class Names(Core):
    def _forget_unsure_names(self) -> None:
        """What could not be looked up for a reason that passes is asked for again from now on."""
        for slot in self._unsure:
            self._seen_by_key.pop(slot, None)
        self._unsure.clear()

    def _robot_name(self, key: str | None) -> str | None:
        robot = self._looked_up("robot", key, Feature.GET_ROBOT, self.dialect.get_robot)
        return key if robot is None else robot.name or key

    def _process_name(self, key: str | None) -> str | None:
        process = self._looked_up("process", key, Feature.GET_PROCESS, self.dialect.get_process)
        return key if process is None else process.name or key

    def _version(self, key: str | None) -> ProcessVersion | None:
        return self._looked_up(
            "process version", key, Feature.GET_PROCESS_VERSION, self.dialect.get_process_version
        )

    def _aliases(self, kind: str, ident: str, feature: Feature, read: Callable[[str], _Native]) -> set[str]:
        """All that an answer may call one object: its id, its name, and its number beside the id."""
        found = self._looked_up(kind, ident, feature, read, always=True)
        if found is None:
            return {ident}
        native = found.native if isinstance(found.native, dict) else {}
        numbers = {str(value) for key, value in native.items() if key.lower() == "id" and value is not None}
        names = {found.id, getattr(found, "name", None)} - {None, ""}
        return {ident, *numbers, *(name for name in names if name is not None)}

    def _looked_up(
        self,
        kind: str,
        key: str | None,
        feature: Feature,
        read: Callable[[str], K],
        *,
        always: bool = False,
    ) -> K | None:
        """``None``: what is there is a name already, or nothing more can be said."""
        if key is None or feature not in self.dialect.features:
            return None
        if not always and not self.dialect.is_id(key) and not key.isdigit():
            return None
        slot = (kind, key)
        if slot not in self._seen_by_key:
            try:
                self._seen_by_key[slot] = read(key)
            except (NetworkFault, Unavailable):
                self._seen_by_key[slot] = None
                self._unsure.add(slot)
            except (OrchctlError, PlannedRequest):
                self._seen_by_key[slot] = None
        found: K | None = self._seen_by_key[slot]
        return found
