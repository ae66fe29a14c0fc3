"""A request to UiPath's wire: its path taken apart, its folder found, its body read, its answer written."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json import dumps
from typing import Any
from urllib.parse import unquote

from orchctl.sandbox.engine import NotFound, Tx, folders
from orchctl.sandbox.engine.base import as_id
from orchctl.sandbox.engine.folders import Folder
from orchctl.sandbox.http import Request, Response
from orchctl.sandbox.wire import json_response
from orchctl.sandbox.wire.body import decode_json
from orchctl.sandbox.wire.uipath.odata import Enums, Options, applied, parse_options, shown
from orchctl.sandbox.wire.uipath.refusals import (
    BAD_ARGUMENT,
    BAD_REQUEST,
    FOLDER_NEEDED,
    NO_SUCH_FOLDER,
    NOT_FOUND,
    Refused,
)

LARGEST_PAGE = 1000

_SEGMENT = re.compile(r"([\w.]+)(?:\((.*)\))?", re.S)
_ARGUMENT = re.compile(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^,']*)\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Place:
    """``/odata/Jobs(5)/UiPath.Server.Configuration.OData.StopJob``: entity, key and action, in lower case.

    ``arguments`` are those of a function: ``GetByKey(identifier=...)``. ``root`` is what stands before.
    """

    root: str
    entity: str
    key: str | None = None
    action: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


def place_of(root: str, rest: str) -> Place | None:
    """The place that the part of a path after ``/odata/`` names."""
    try:
        segments = [unquote(part, errors="strict") for part in rest.split("/") if part]
    except UnicodeDecodeError:
        return None
    matches = [_SEGMENT.fullmatch(segment) for segment in segments]
    if not 1 <= len(segments) <= 2 or None in matches:
        return None
    first = matches[0]
    assert first is not None
    entity, key = first.group(1).lower(), first.group(2)
    if len(matches) == 1:
        return Place(root, entity, key)
    second = matches[1]
    assert second is not None
    action = second.group(1).rpartition(".")[2].lower()
    arguments = {
        name.lower(): value[1:-1].replace("''", "'") if value[:1] == "'" else value.strip()
        for name, value in _ARGUMENT.findall(second.group(2) or "")
    }
    return Place(root, entity, key, action, arguments)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request in its transaction. ``strict``: only what the vendor's description says."""

    tx: Tx
    request: Request
    place: Place
    strict: bool = False

    @property
    def base(self) -> str:
        host = self.request.headers.get("host", "localhost")
        return f"http://{host}{self.place.root}"

    def folder(self) -> Folder:
        """The folder that one of the four headers names.

        :raises Refused: there is none (1101), or no such folder (1100).
        """
        found = self.folder_if_any()
        if found is None:
            raise Refused(400, "An organization unit is required for this action.", code=FOLDER_NEEDED)
        return found

    def folder_if_any(self) -> Folder | None:
        headers = self.request.headers
        key = headers.get("x-uipath-organizationunitid") or headers.get("x-uipath-folderkey")
        path = headers.get("x-uipath-folderpath")
        encoded = headers.get("x-uipath-folderpath-encoded")
        if encoded:
            try:
                path = base64.b64decode(encoded, validate=True).decode("utf-16-le")
            except ValueError:
                raise Refused(400, "X-UIPATH-FolderPath-Encoded cannot be read.", code=BAD_REQUEST) from None
        try:
            if key:
                return folders.find(self.tx, key)
            return folders.at(self.tx, path) if path else None
        except NotFound:
            raise Refused(
                404,
                "Folder does not exist or the user does not have access to the folder.",
                code=NO_SUCH_FOLDER,
            ) from None

    def key(self) -> int:
        """The number in ``Entity(number)``."""
        number = as_id((self.place.key or "").strip())
        if number is None:
            raise Refused(400, f"The key {self.place.key!r} is no number.", code=BAD_REQUEST)
        return number

    def argument(self, name: str) -> str:
        return self.place.arguments.get(name.lower(), "")

    def body(self) -> Body:
        return Body(_object(self.request.body))

    def options(self, *, largest: int = LARGEST_PAGE, others: Sequence[str] = ()) -> Options:
        return parse_options(
            self.request.query,
            largest=largest,
            others=("mandatorypermissions", "atleastonepermissions", *others),
        )

    def rows(
        self,
        entity: str,
        rows: list[dict[str, Any]],
        *,
        enums: Enums,
        navigation: frozenset[str] = frozenset(),
        others: Sequence[str] = (),
    ) -> Response:
        """A collection after the request's own options."""
        options = self.options(others=others)
        found, total = applied(rows, options, enums)
        return self.collection(entity, [shown(row, options, navigation) for row in found], options, total)

    def collection(self, entity: str, rows: list[dict[str, Any]], options: Options, total: int) -> Response:
        context = f"{self.base}/odata/$metadata#{entity}"
        counted = {"@odata.count": total} if options.count else {}
        return json({"@odata.context": context, **counted, "value": rows})

    def one(
        self,
        entity: str,
        row: dict[str, Any],
        *,
        status: int = 200,
        navigation: frozenset[str] = frozenset(),
    ) -> Response:
        options = self.options(others=("$select", "$expand"))
        context = f"{self.base}/odata/$metadata#{entity}/$entity"
        return json({"@odata.context": context, **shown(row, options, navigation)}, status)


class Body:
    """A JSON object whose keys are matched without regard to case; a method gives None for null or nothing."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._lower = {key.lower(): value for key, value in values.items()}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._lower

    def get(self, name: str) -> Any:
        return self._lower.get(name.lower())

    def inner(self, name: str, what: str) -> Body:
        """The object under a key; ``what`` is how the server calls it when it is missing."""
        value = self.get(name)
        if not isinstance(value, dict):
            raise Refused(400, f"{what} must not be null")
        return Body(value)

    def items(self, name: str) -> list[Body]:
        value = self.get(name)
        return [Body(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def text(self, name: str, *, longest: int | None = None) -> str | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Refused(400, f"{name} must be a text.", code=BAD_ARGUMENT)
        text = str(value)
        if longest is not None and len(text) > longest:
            raise Refused(400, f"{name} has at most {longest} characters.", code=BAD_ARGUMENT)
        return text

    def required(self, name: str, *, longest: int | None = None) -> str:
        text = self.text(name, longest=longest)
        if text is None or not text.strip():
            raise Refused(400, f"The {name} field is required.", code=BAD_ARGUMENT)
        return text

    def number(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, str) and as_id(value) is not None:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused(400, f"{name} must be a whole number.", code=BAD_ARGUMENT)
        return value

    def flag(self, name: str) -> bool | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise Refused(400, f"{name} must be true or false.", code=BAD_ARGUMENT)
        return value

    def moment(self, name: str) -> int | None:
        """Milliseconds in UTC."""
        text = self.text(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            raise Refused(400, f"{name} is no time: {text!r}", code=BAD_ARGUMENT) from None

    def json(self, name: str) -> str | None:
        """A value as JSON text, as the engine keeps it; ``None`` for null."""
        value = self.get(name)
        return None if value is None else dumps(value, ensure_ascii=True)


def _object(data: bytes) -> dict[str, Any]:
    if not data.strip():
        return {}
    try:
        value = decode_json(data)
    except ValueError as error:
        raise Refused(400, f"The request's body is not JSON: {error}", code=BAD_REQUEST) from None
    if not isinstance(value, dict):
        raise Refused(400, "The request's body must be an object.", code=BAD_REQUEST)
    return value


def json(value: object, status: int = 200) -> Response:
    return json_response(dumps(value, ensure_ascii=False).encode("utf-8", "replace"), status)


def nothing(status: int = 204) -> Response:
    return Response(status, [("content-length", "0")] if status != 204 else [], b"")


def done(ask: Ask) -> Response:
    """An action that answers nothing. The vendor's Python client reads JSON from each 200 all the same."""
    return nothing(200) if ask.strict else json({})


def missing(what: str) -> Refused:
    return Refused(404, f"{what} does not exist.", code=NOT_FOUND)


def stamp(milliseconds: int | None) -> str | None:
    """``2022-02-16T15:30:12.13Z``: as many digits of a second as there are."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    fraction = f".{milliseconds % 1000:03d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
