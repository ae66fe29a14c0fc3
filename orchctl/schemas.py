"""``orchctl schema``: the JSON Schema of what commands print with ``-o json``, from the types themselves.

Additive only: a field is never taken away and never changes its type within one version.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchctl import errors, model
from orchctl.errors import OrchctlError, UsageFault

if TYPE_CHECKING:
    from orchctl.model import Json

VERSION = 1

# The vocabulary first, then what the tool's own commands print.
TYPES: Mapping[str, str] = {
    "task": "orchctl.model:Task",
    "queue": "orchctl.model:Queue",
    "queue-stats": "orchctl.model:QueueStats",
    "job": "orchctl.model:Job",
    "asset": "orchctl.model:Asset",
    "log-entry": "orchctl.model:LogEntry",
    "robot": "orchctl.model:Robot",
    "runtime": "orchctl.model:Runtime",
    "robot-group": "orchctl.model:RobotGroup",
    "process": "orchctl.model:Process",
    "process-version": "orchctl.model:ProcessVersion",
    "trigger": "orchctl.model:Trigger",
    "folder": "orchctl.model:Folder",
    "storage-folder": "orchctl.model:StorageFolder",
    "stored-file": "orchctl.model:StoredFile",
    "account": "orchctl.model:Account",
    "heartbeat-reply": "orchctl.model:HeartbeatReply",
    "consumed-job": "orchctl.model:ConsumedJob",
    "saved-file": "orchctl.model:SavedFile",
    "agent-event": "orchctl.agent.events:AgentEvent",
    "context": "orchctl.contexts:ContextRow",
    "context-settings": "orchctl.config:Context",
    "login": "orchctl.credentials:Status",
    "sandbox-place": "orchctl.embedded:SandboxPlace",
    "external-system": "orchctl.embedded:ExternalSystem",
    "oauth-client": "orchctl.embedded:OAuthClient",
    "played-run": "orchctl.embedded:PlayedRun",
    "step": "orchctl.declared.plan:Step",
    "row-result": "orchctl.bulk.outcome:RowResult",
    "completion-place": "orchctl.manual.install:CompletionPlace",
    "diagnosis": "orchctl.doctor:Diagnosis",
}
_PLAIN = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "None": "null"}


def schema(name: str) -> dict[str, Json]:
    """:raises UsageFault: there is no such type."""
    if name == "error":
        return _headed("error", _error())
    if name not in TYPES:
        from difflib import get_close_matches

        close = get_close_matches(name.lower().replace("_", "-"), names(), n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise UsageFault(f"{name!r} is no output type", hint=f"{guess}one of: {', '.join(names())}")
    return _headed(name, of_type(kind_of(name)))


def names() -> tuple[str, ...]:
    return (*TYPES, "error")


def kind_of(name: str) -> type[Any]:
    module, _, attribute = TYPES[name].partition(":")
    found: type[Any] = getattr(import_module(module), attribute)
    return found


def name_of(kind: type[Any]) -> str | None:
    """The name of a type; ``None`` for one that has no schema."""
    return next((name for name, place in TYPES.items() if place.endswith(f":{kind.__name__}")), None)


def of_type(kind: type[Any]) -> dict[str, Json]:
    """The schema of the object that a dataclass becomes."""
    if kind.__name__ == "QueueStats":
        counts = [status.value.replace("-", "_") for status in model.TaskStatus]
        written: dict[str, Json] = {"queue": {"type": "string"}, "total": {"type": "integer"}}
        written |= {count: {"type": "integer"} for count in counts}
    else:
        written = {field.name: _property(kind, str(field.type)) for field in fields(kind)}
    return {"type": "object", "properties": written, "required": list(written)}


def _headed(name: str, body: dict[str, Json]) -> dict[str, Json]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:orchctl:schema:{VERSION}:{name}",
        "title": name,
        **body,
    }


def _property(kind: type[Any], annotation: str) -> dict[str, Json]:
    """The schema of a field from its annotation as it is written."""
    types: list[str] = []
    words: list[Json] = []
    others: dict[str, Json] = {}
    for part in _parts(ast.parse(annotation, mode="eval").body):
        text = ast.unparse(part)
        if text == "Json":
            return {}
        if text in _PLAIN:
            types.append(_PLAIN[text])
        elif text == "datetime":
            types.append("string")
            others["format"] = "date-time"
        elif isinstance(part, ast.Subscript):
            schema = _container(kind, part)
            types.append(str(schema.pop("type")))
            others |= schema
        elif text == "Unknown":
            words.append("unknown")
        else:
            found = _resolved(kind, text)
            if isinstance(found, type) and issubclass(found, Enum):
                words += [member.value for member in found]
            elif isinstance(found, type) and is_dataclass(found):
                types.append("object")
                others |= {key: value for key, value in of_type(found).items() if key != "type"}
    if words:
        unique = list(dict.fromkeys(words))
        return {"enum": [*unique, None] if "null" in types else unique}
    return {"type": types[0] if len(types) == 1 else list[Any](types), **others}


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _parts(node.left)
        yield from _parts(node.right)
    else:
        yield node


def _container(kind: type[Any], node: ast.Subscript) -> dict[str, Json]:
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if ast.unparse(node.value) in ("Mapping", "dict"):
        return {"type": "object", "additionalProperties": _property(kind, ast.unparse(inner[-1]))}
    return {"type": "array", "items": _property(kind, ast.unparse(inner[0]))}


def _resolved(kind: type[Any], name: str) -> Any:
    found = getattr(sys.modules[kind.__module__], name, None)
    return found if found is not None else getattr(model, name)


def _error() -> dict[str, Json]:
    """The one object that a failed command writes on stderr with ``-o json``."""
    kinds = [
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, OrchctlError)
    ]
    inner: dict[str, Json] = {
        "code": {"enum": list[Any](dict.fromkeys(kind.code for kind in kinds))},
        "exit_code": {"enum": list[Any](sorted({kind.exit_code for kind in kinds}))},
        "message": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "request_id": {"type": ["string", "null"]},
        "notes": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "type": "object",
        "properties": {"error": {"type": "object", "properties": inner, "required": list[Any](inner)}},
        "required": ["error"],
    }
