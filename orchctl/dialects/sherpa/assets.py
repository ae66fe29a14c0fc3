"""Sherpa's resources: credentials, texts and calendars."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.sherpa.calls import Calls
from orchctl.dialects.sherpa.wire import Record, dump, given, id_of, stamp
from orchctl.errors import UsageFault

if TYPE_CHECKING:
    from orchctl.model import Json

_TYPE = {1: "credential", 2: "text", 3: "calendar"}
_TYPE_NUMBER = {word: number for number, word in _TYPE.items()}
# 1 one robot, 2 a group, 3 all: not the numbers that triggers have.
_ROBOT, _GROUP, _ALL = 1, 2, 3
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Assets(Calls):
    def create_asset(self, new: model.NewAsset) -> model.Asset:
        """``POST /api/asset/create``."""
        kind = self._type_number(new.type)
        fields = {
            "Name": new.name,
            "Type": kind,
            **given(Text=self._text(new.type, new), Password=new.secret),
            **self._common(new, scope=new.scope or "all"),
        }
        return model.Asset(id=self._create("asset", fields), name=new.name, type=new.type, scope=new.scope)

    def list_assets(self, cursor: str | None) -> Page[model.Asset] | None:
        """``GET /api/asset/read``: not documented, tried."""
        return self._list("asset", self._asset)

    def get_asset(self, ident: str) -> model.Asset:
        """``GET /api/asset/read/{guid or name}``; the password comes in clear."""
        return self._asset(self._read("asset", ident))

    def update_asset(self, asset: model.Asset, change: model.AssetChange) -> None:
        """``PUT /api/asset/update`` (seed 000), which sends only what is to change."""
        kind = change.type or asset.type
        fields = {
            "guid": asset.id,
            **given(name=change.name, text=self._text(kind, change), password=change.secret),
            **({"Type": self._type_number(change.type)} if change.type is not None else {}),
            **self._common(change, scope=change.scope),
        }
        self._update("asset", fields, coded=True)

    def delete_asset(self, ident: str) -> None:
        """``DELETE /api/asset/delete/{guid}``."""
        self._delete("asset", ident)

    def _type_number(self, word: str) -> int:
        if word not in _TYPE_NUMBER:
            self.refuse_field(
                f"an asset of the type {word}", f"its assets are one of: {', '.join(_TYPE_NUMBER)}"
            )
        return _TYPE_NUMBER[word]

    def _text(self, kind: str, fields: model.NewAsset | model.AssetChange) -> str | None:
        """One field holds a text, a login or a calendar's days, as the type has it."""
        if kind == "credential":
            return fields.username
        if fields.username is not None:
            self.refuse_field(f"a user name in an asset of the type {kind}", "only a credential has one")
        value = fields.value
        if value is None:
            return None
        if kind == "calendar":
            return dump(_days(value))
        return value if isinstance(value, str) else dump(value)

    def _common(self, fields: model.NewAsset | model.AssetChange, *, scope: str | None) -> dict[str, Json]:
        return {
            **given(
                Description=fields.description,
                PasswordExpiration=stamp(fields.expires_at, self._zone),
            ),
            **(_scope_fields(scope) if scope is not None else {}),
        }

    def _asset(self, native: dict[str, Any]) -> model.Asset:
        record = Record(native, self._zone)
        kind = record.word(_TYPE, "type") or "text"
        text = record.text("text")
        return model.Asset(
            id=id_of(record),
            name=record.text("name") or "",
            type=kind,
            value=_value(kind, text, record.text("password")),
            username=text if kind == "credential" else None,
            description=record.text("description"),
            scope=_scope(record),
            expires_at=record.time("passwordexpiration"),
            updated_at=record.time("updatedat", "updated"),
            native=native,
        )


def _value(kind: str, text: str | None, password: str | None) -> Json:
    if kind == "credential":
        return password
    if kind == "calendar" and text is not None:
        try:
            days: Json = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return days
    return text


def _days(value: Json) -> Json:
    """A calendar is a JSON array of its days, as the user interface exports it."""
    if not isinstance(value, list) or not all(isinstance(day, str) and _DAY.fullmatch(day) for day in value):
        raise UsageFault(
            "a calendar's value is a JSON array of days", hint='such as ["2026-01-01", "2026-01-02"]'
        )
    return value


def _scope_fields(scope: str) -> dict[str, Json]:
    kind, _, ident = scope.partition(":")
    if kind == "robot":
        return {"RobotType": _ROBOT, "RobotId": ident}
    if kind == "group":
        return {"RobotType": _GROUP, "RobotGroupId": ident}
    return {"RobotType": _ALL}


def _scope(record: Record) -> str | None:
    match record.number("robottype"):
        case 1:
            return f"robot:{record.reference('robotguid', 'robotid') or '?'}"
        case 2:
            return f"group:{record.reference('robotgroupguid', 'robotgroupid') or '?'}"
        case 3:
            return "all"
    native = record.first("robottype")
    return None if native is None else model.Unknown(native)
