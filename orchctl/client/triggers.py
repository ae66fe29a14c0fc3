"""Triggers: what starts jobs by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from orchctl import model
from orchctl.client.names import Names
from orchctl.dialects.base import Feature

if TYPE_CHECKING:
    from orchctl.model import NewTrigger, Trigger, TriggerChange

_TRIGGER = "trigger"
W = TypeVar("W", "NewTrigger", "TriggerChange")


class Triggers(Names):
    def create_trigger(self, new: NewTrigger) -> Trigger:
        self.require(Feature.CREATE_TRIGGER)
        created = self.dialect.create_trigger(self._with_ids(new))
        self.registry.remember(_TRIGGER, {created.id: created.name})
        trigger = self._read_trigger(created.id, created)
        self._note_not_kept(new, trigger, "cron", "start_at", "end_at", "max_runs")
        return trigger

    def list_triggers(self) -> Iterator[Trigger]:
        self.require(Feature.LIST_TRIGGERS)
        triggers = self._listed(self.dialect.list_triggers, _TRIGGER, self.dialect.get_trigger)
        return map(self._with_trigger_names, triggers)

    def get_trigger(self, ident: str) -> Trigger:
        self.require(Feature.GET_TRIGGER)
        return self._with_trigger_names(self._find(_TRIGGER, ident, self.dialect.get_trigger))

    def update_trigger(self, ident: str, change: TriggerChange) -> Trigger:
        self.require(Feature.UPDATE_TRIGGER)
        target = self._trigger_id(ident)
        self.dialect.update_trigger(target, self._with_ids(change))
        trigger = self._read_trigger(target)
        self._note_not_kept(change, trigger, "name", "cron", "start_at", "end_at", "max_runs")
        return trigger

    def enable_trigger(self, ident: str) -> Trigger:
        return self.update_trigger(ident, model.TriggerChange(enabled=True))

    def disable_trigger(self, ident: str) -> Trigger:
        return self.update_trigger(ident, model.TriggerChange(enabled=False))

    def delete_trigger(self, ident: str) -> None:
        self.require(Feature.DELETE_TRIGGER)
        target = self._trigger_id(ident)
        self.dialect.delete_trigger(target)
        self.registry.forget(_TRIGGER, target)

    def _with_ids(self, fields: W) -> W:
        return replace(
            fields,
            process=fields.process and self._target("process", fields.process, self.dialect.get_process),
            robot=fields.robot and self._target("robot", fields.robot, self.dialect.get_robot),
            group=fields.group and self._target("robot group", fields.group, self.dialect.get_robot_group),
        )

    def _trigger_id(self, ident: str) -> str:
        return self._target(_TRIGGER, ident, self.dialect.get_trigger)

    def _read_trigger(self, ident: str, known: Trigger | None = None) -> Trigger:
        return self._after(
            _TRIGGER,
            lambda: self._with_trigger_names(self.dialect.get_trigger(ident)),
            known or model.Trigger(id=ident, name=""),
        )

    def _with_trigger_names(self, trigger: Trigger) -> Trigger:
        return replace(
            trigger, process=self._process_name(trigger.process), robot=self._robot_name(trigger.robot)
        )
