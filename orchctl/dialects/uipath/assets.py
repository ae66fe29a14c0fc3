"""Assets, their values for all and for one robot, and their secrets, which never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.dialects.base import Page
from orchctl.dialects.uipath.core import ODATA, id_of, made, writable
from orchctl.dialects.uipath.lookups import Lookups
from orchctl.dialects.uipath.odata import Record, collection, every, some, text
from orchctl.dialects.uipath.words import ASSET_TYPE, ASSET_TYPE_WORD
from orchctl.errors import Refused, UsageFault
from orchctl.transport import Effect

if TYPE_CHECKING:
    from orchctl.model import Asset, AssetChange, Json, NewAsset

_PATH = "/odata/Assets"
_FILTERED = f"{_PATH}/{ODATA}.GetFiltered"
_EXPAND = "UserValues"
_CREDENTIALS = ("Credential", "WindowsCredential")
# The fields that hold a value. Each type has one of its own, credentials two.
_VALUE_FIELD = {
    "Text": "StringValue",
    "DBConnectionString": "StringValue",
    "HttpConnectionString": "StringValue",
    "Bool": "BoolValue",
    "Integer": "IntValue",
    "KeyValueList": "KeyValueList",
    "Secret": "SecretValue",
    "Credential": "CredentialPassword",
    "WindowsCredential": "CredentialPassword",
}
_SECRETS = ("SecretValue", "CredentialPassword")
_LARGEST_INTEGER = 2**31 - 1


class Assets(Lookups):
    def create_asset(self, new: NewAsset) -> Asset:
        """``POST /odata/Assets``; a value for one robot only has no default for the others."""
        kind = self._type(new.type)
        value = self._value(kind, new)
        user = self._user_of(new.scope)
        body: dict[str, Json] = {
            "Name": new.name,
            "ValueType": kind,
            "ValueScope": "Global" if user is None else "PerRobot",
            **({"Description": new.description} if new.description is not None else {}),
        }
        if user is None:
            body |= value
        else:
            body |= {"HasDefaultValue": False, "UserValues": [{**user, "ValueType": kind, **value}]}
        return made(self._write("POST", _PATH, json=body), _asset)

    def list_assets(self, cursor: str | None) -> Page[Asset]:
        """``GetFiltered``, which leaves out users' names; the older list has them and leaves out secrets."""
        page = self._page(_FILTERED, dict, cursor, expand=_EXPAND)
        rows = list(page.items)
        nameless = [row for row in rows if _is_credential(row) and not Record(row).text("CredentialUsername")]
        if nameless:
            first, last = (id_of(row) for row in (nameless[0], nameless[-1]))
            kinds = some(*(f"ValueType eq {text(kind)}" for kind in _CREDENTIALS))
            where = every(f"Id ge {first}", f"Id le {last}", kinds) or ""
            query = {"$filter": where, "$orderby": "Id", "$top": "1000"}
            known, _ = collection(self._read(_PATH, query=query))
            users = {id_of(row): Record(row).get("CredentialUsername") for row in known}
            for row in nameless:
                row["CredentialUsername"] = users.get(id_of(row)) or row.get("CredentialUsername")
        return Page(map(_asset, rows), next=page.next)

    def get_asset(self, ident: str) -> Asset:
        return _asset(self._asset_native(ident))

    def update_asset(self, asset: Asset, change: AssetChange) -> None:
        """PUT replaces the whole: all that was read goes back, but for secrets, which were never read."""
        native = self._asset_native(asset.id)
        kind = Record(native).text("ValueType") or ""
        if change.type is not None and self._type(change.type) != kind:
            self.refuse_field("another type of an asset", "delete it and create it anew")
        value = self._value(kind, change)
        user = self._user_of(change.scope)
        body = _without_secrets(writable(native))
        if change.name is not None:
            body["Name"] = change.name
        if change.description is not None:
            body["Description"] = change.description
        if user is not None:
            body["ValueScope"] = "PerRobot"
            body["UserValues"] = _with_value(body.get("UserValues"), user, kind, value)
        elif value:
            self._check_username(native, value)
            body |= value
            if body.get("ValueScope") == "PerRobot":
                body["HasDefaultValue"] = True
        self._write("PUT", f"{_PATH}({id_of(native)})", json=body, effect=Effect.IDEMPOTENT)

    def delete_asset(self, ident: str) -> None:
        self._write("DELETE", f"{_PATH}({id_of(self._asset_native(ident))})", effect=Effect.IDEMPOTENT)

    def _asset_native(self, ident: str) -> dict[str, Any]:
        """By number, which gives the user's name too; by name first through the list that has secrets."""
        if not self.is_id(ident):
            query = {"$filter": f"Name eq {text(ident)}", "$top": "2"}
            rows, _ = collection(self._read(_FILTERED, query=query))
            if rows:
                return self._one(_PATH, id_of(rows[0]), "asset", expand=_EXPAND, listing=_FILTERED)
        return self._one(_PATH, ident, "asset", expand=_EXPAND, listing=_FILTERED)

    def _type(self, word: str) -> str:
        if word not in ASSET_TYPE:
            self.refuse_field(f"an asset of the type {word}", f"its types are: {', '.join(ASSET_TYPE)}")
        return ASSET_TYPE[word]

    def _value(self, kind: str, fields: NewAsset | AssetChange) -> dict[str, Json]:
        """The fields that hold what was given; nothing where nothing was."""
        if fields.expires_at is not None:
            self.refuse_field("the end of an asset's life", "UiPath Orchestrator keeps assets until they go")
        found: dict[str, Json] = {}
        field = _VALUE_FIELD.get(kind, "StringValue")
        if fields.secret is not None:
            if field not in _SECRETS:
                raise UsageFault(f"an asset of the type {ASSET_TYPE_WORD[kind.lower()]} has no secret")
            found[field] = fields.secret
        if fields.value is not None:
            if field in _SECRETS:
                raise UsageFault("a secret's value is not given with --value", hint="add --value-stdin")
            found[field] = _as(kind, fields.value)
        if fields.username is not None:
            if kind not in _CREDENTIALS:
                self.refuse_field(f"a user name in an asset of the type {kind}", "only a credential has one")
            found["CredentialUsername"] = fields.username
        return found

    def _check_username(self, native: dict[str, Any], value: dict[str, Json]) -> None:
        """The server answers 1500 to this; said before anything is sent."""
        new = value.get("CredentialUsername")
        if new is not None and "CredentialPassword" not in value and new != native.get("CredentialUsername"):
            raise Refused(
                "UiPath Orchestrator wants the password anew with another user name",
                hint="add --value-stdin, and the password on standard input",
            )

    def _user_of(self, scope: str | None) -> dict[str, Json] | None:
        """Whose value it is: a robot's user. ``None`` is everybody's."""
        if scope is None or scope == "all":
            return None
        kind, _, ident = scope.partition(":")
        if kind != "robot":
            self.refuse_field("an asset of a group", "use --for all or --for robot:ID")
        user = Record(self._robot(ident)).number("UserId")
        if user is None:
            raise Refused(
                f"the robot {ident!r} belongs to no user, and values are kept by user",
                hint="assign the robot to a user in UiPath Orchestrator",
            )
        return {"UserId": user}


def _as(kind: str, value: Json) -> Json:
    """A value as the field of its type takes it; the command line gives text."""
    match kind:
        case "Bool":
            found = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
            if found is None:
                raise UsageFault(f"{value!r} is neither true nor false")
            return found
        case "Integer":
            try:
                number = int(str(value))
            except ValueError:
                number = _LARGEST_INTEGER + 1
            if abs(number) > _LARGEST_INTEGER:
                raise UsageFault(f"{value!r} is no whole number of 32 bits")
            return number
        case "KeyValueList":
            if isinstance(value, str):
                from orchctl.payload import parse_json

                value = parse_json(value, "the value")
            if not isinstance(value, dict):
                raise UsageFault("a key-value list is a JSON object", hint="""--value '{"key": "value"}'""")
            return [{"Key": key, "Value": str(item)} for key, item in value.items()]
    return value if isinstance(value, str) else str(value)


def _with_value(known: Json, user: dict[str, Json], kind: str, value: dict[str, Json]) -> list[Json]:
    """The values of the other users as they were, and this one's."""
    others: list[Json] = []
    mine: dict[str, Json] = {}
    for each in known if isinstance(known, list) else []:
        if isinstance(each, dict) and Record(each).number("UserId") == user["UserId"]:
            mine = each
        else:
            others.append(each)
    return [*others, {**mine, **user, "ValueType": kind, **value}]


def _without_secrets(native: dict[str, Json]) -> dict[str, Json]:
    """An empty or masked secret sent back would replace the real one."""
    body = {key: value for key, value in native.items() if key not in _SECRETS}
    values = body.get("UserValues")
    if isinstance(values, list):
        body["UserValues"] = [
            {key: value for key, value in each.items() if key not in _SECRETS}
            for each in values
            if isinstance(each, dict)
        ]
    return body


def _is_credential(native: dict[str, Any]) -> bool:
    return Record(native).text("ValueType") in _CREDENTIALS


def _asset(native: dict[str, Any]) -> Asset:
    row = Record(native)
    kind = row.text("ValueType") or ""
    per_robot = row.text("ValueScope") == "PerRobot"
    return model.Asset(
        id=id_of(row),
        name=row.text("Name") or "",
        type=ASSET_TYPE_WORD.get(kind.lower(), kind),
        value=_shown(row, kind),
        username=row.text("CredentialUsername"),
        description=row.text("Description"),
        scope="robots" if per_robot else "all",
        updated_at=row.time("LastModificationTime"),
        native=native,
    )


def _shown(row: Record, kind: str) -> Json:
    field = _VALUE_FIELD.get(kind, "Value")
    if field in _SECRETS or row.flag("HasDefaultValue") is False:
        return None
    if field == "KeyValueList":
        return {str(each.get("Key")): each.get("Value") for each in row.rows(field)}
    value: Json = row.get(field)
    return value if value is not None else row.get("Value")
