"""What every noun of UiPath Orchestrator shares: folders, queries, pages, and the words of its errors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote as percent_encode

from orchctl.dialects.base import Dialect, Login, Page
from orchctl.dialects.uipath.auth import login
from orchctl.dialects.uipath.odata import Record, collection, every, is_guid, is_number, record, text
from orchctl.errors import LocalFault, NotFound, OrchctlError, OutcomeUnknown, Unintelligible, UsageFault
from orchctl.transport import ABSENT, Call, Effect, Reply

if TYPE_CHECKING:
    from orchctl.config import Context
    from orchctl.credentials import Kind
    from orchctl.model import Json

T = TypeVar("T")

ODATA = "UiPath.Server.Configuration.OData"
FOLDERS = "/odata/Folders"
# What the server takes at most for $top, on all lists but that of queue items.
LARGEST_PAGE = 1000

_NEEDS_FOLDER = 1101
_NO_SUCH_FOLDER = 1100
_NO_SUCH_ITEM = 1002
_ABSENT = frozenset({404})


class Core(Dialect):
    @staticmethod
    def authorization(context: Context, secret: str) -> dict[str, str]:
        """A bearer token; a personal access token is one."""
        if context.auth == "basic":
            raise LocalFault(
                f"UiPath Orchestrator takes no basic authentication (context {context.name!r})",
                hint="auth: token, client-credentials or password",
            )
        tenant = {"X-UIPATH-TenantName": context.tenant} if context.tenant else {}
        return {"Authorization": f"Bearer {secret}", **tenant}

    @staticmethod
    def explain(body: Json) -> str | None:
        """OData's message, ABP's envelope, problem details, and the shapes seen beside them."""
        if not isinstance(body, dict):
            return None
        answer = Record(body)
        inner = answer.inner("error")
        words = answer.text("message", "errorMessage") or inner.text("message")
        details = _details(answer.get("errors") or inner.get("validationErrors"))
        words = words or inner.text("details") or answer.text("title", "error_description", "error")
        return f"{words} ({details})" if words and details else words or details

    @staticmethod
    def refusal(status: int, body: Json) -> OrchctlError | None:
        if not isinstance(body, dict):
            return None
        answer = Record(body)
        code = answer.number("errorCode")
        said = answer.text("message") or ""
        if code == _NEEDS_FOLDER:
            return UsageFault(
                f"UiPath Orchestrator has to be told the folder: {said}",
                hint="add --folder PATH, set ORCHCTL_FOLDER, or put folder: in the context; "
                "orchctl folder list shows them",
            )
        if code == _NO_SUCH_FOLDER:
            return NotFound(
                f"there is no such folder, or it may not be entered: {said}",
                hint="orchctl folder list shows those that this credential sees",
            )
        if code == _NO_SUCH_ITEM:
            return NotFound(said or "there is no such object", hint="check the ID or name, and the folder")
        return None

    @staticmethod
    def login(context: Context, kind: Kind, secret: str) -> Login:
        return login(context, kind, secret)

    def raw_headers(self) -> Mapping[str, str]:
        return self._folder("") or {}

    def is_id(self, ident: str) -> bool:
        return is_number(ident)

    def _read(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        folder: str | None = "",
        accept: frozenset[int] = frozenset(),
        meter: str | None = None,
    ) -> Reply:
        return self.http.send(
            Call(
                method="GET",
                path=path,
                effect=Effect.READ,
                query=query,
                headers=self._folder(folder),
                accept=accept,
                meter=meter,
            )
        )

    def _write(
        self,
        method: str,
        path: str,
        *,
        json: Json = None,
        query: Mapping[str, str] | None = None,
        effect: Effect = Effect.ONCE,
        folder: str | None = "",
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        return self.http.send(
            Call(
                method=method,
                path=path,
                effect=effect,
                query=query,
                headers=self._folder(folder),
                json=ABSENT if json is None else json,
                accept=accept,
            )
        )

    def _folder(self, folder: str | None) -> Mapping[str, str] | None:
        """The header that names a folder; "" is the context's, ``None`` is for calls that are about none."""
        chosen = self.context.folder if folder == "" else folder
        return folder_header(chosen) if chosen else None

    def _folder_number(self) -> str | None:
        """The number of the context's folder, for the few calls that take it in their path."""
        chosen = self.context.folder
        if not chosen or is_number(chosen):
            return chosen or None
        condition = f"Key eq {chosen}" if is_guid(chosen) else f"FullyQualifiedName eq {text(chosen)}"
        rows, _ = collection(self._read(FOLDERS, query={"$filter": condition, "$top": "1"}, folder=None))
        if not rows:
            raise NotFound(f"there is no folder {chosen!r}", hint="orchctl folder list shows those there are")
        return id_of(rows[0])

    def _page(
        self,
        path: str,
        make: Callable[[dict[str, Any]], T],
        cursor: str | None,
        *,
        where: str | None = None,
        expand: str | None = None,
        newest_first: bool = False,
        top: int = LARGEST_PAGE,
        meter: str | None = None,
    ) -> Page[T]:
        """A page by Id: rows that come or go meanwhile move no other row across its border."""
        after = f"Id {'lt' if newest_first else 'gt'} {cursor}" if cursor else None
        condition = every(where, after)
        query = {
            **({"$filter": condition} if condition else {}),
            **({"$expand": expand} if expand else {}),
            "$orderby": "Id desc" if newest_first else "Id",
            "$top": str(top),
            "$count": "true",
        }
        rows, count = collection(self._read(path, query=query, meter=meter))
        more = len(rows) < count if count is not None else len(rows) >= top
        last = Record(rows[-1]).number("Id") if rows else None
        return Page(map(make, rows), next=str(last) if more and last is not None else None)

    def _skipping(
        self, path: str, query: Mapping[str, str], cursor: str | None, *, folder: str | None = ""
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page by how many rows are before it, for lists of what cannot be filtered by its Id."""
        query = {
            **query,
            "$top": str(LARGEST_PAGE),
            "$count": "true",
            **({"$skip": cursor} if cursor else {}),
        }
        rows, count = collection(self._read(path, query=query, folder=folder))
        seen = int(cursor or 0) + len(rows)
        more = bool(rows) and (seen < count if count is not None else len(rows) >= LARGEST_PAGE)
        return rows, str(seen) if more else None

    def _one(
        self,
        path: str,
        ident: str,
        what: str,
        *,
        expand: str | None = None,
        name: str = "Name",
        listing: str | None = None,
        folder: str | None = "",
    ) -> dict[str, Any]:
        """An object by number, else by name. A number that nothing has may still be a name.

        ``listing``: the path of its list, where that is another.
        """
        query = {"$expand": expand} if expand else None
        if is_number(ident):
            reply = self._read(f"{path}({ident})", query=query, folder=folder, accept=_ABSENT)
            if reply.status != 404:
                native = dict(record(reply).native)
                id_of(native)
                return native
        condition = f"{name} eq {text(ident)}"
        query = {**(query or {}), "$filter": condition, "$top": "2"}
        rows, _ = collection(self._read(listing or path, query=query, folder=folder))
        if not rows:
            raise NotFound(
                f"no {what} {ident!r}{self._where_looked}",
                hint=f"orchctl {what} list shows those there are; each folder has its own",
            )
        id_of(rows[0])
        return rows[0]

    @property
    def _where_looked(self) -> str:
        return f" in the folder {self.context.folder}" if self.context.folder else ""


@contextmanager
def in_part(done: str | None, *, look: str) -> Iterator[None]:
    """What fails inside leaves changed what ``done`` says; ``None`` is nothing."""
    try:
        yield
    except OrchctlError as error:
        if done is None:
            raise
        raise OutcomeUnknown(
            f"changed in part, {done}: {error.message}", hint=f"{look} shows it as it is now"
        ) from error


def folder_header(folder: str) -> dict[str, str]:
    """The one of four headers that fits what was given: a number, a key, an ASCII path, or another path."""
    if is_number(folder):
        return {"X-UIPATH-OrganizationUnitId": folder}
    if is_guid(folder):
        return {"X-UIPATH-FolderKey": folder}
    if folder.isascii() and folder.isprintable():
        return {"X-UIPATH-FolderPath": folder}
    encoded = base64.b64encode(folder.encode("utf-16-le")).decode("ascii")
    return {"X-UIPATH-FolderPath-Encoded": encoded}


def id_of(native: Mapping[str, Any] | Record) -> str:
    """:raises Unintelligible: the server's object has no number."""
    row = native if isinstance(native, Record) else Record(native)
    number = row.number("Id")
    if number is None:
        raise Unintelligible("the server answered with an object that has no Id", hint="see it with --debug")
    return str(number)


def made(reply: Reply, make: Callable[[dict[str, Any]], T], what: str = "object") -> T:
    """What a write answers with. One without an Id says nothing about what was done."""
    try:
        return make(dict(record(reply).native))
    except Unintelligible:
        raise reply.unintelligible(f"it does not say the {what}'s Id") from None


def path_text(value: str) -> str:
    """A string as a parameter in a path."""
    return "'" + percent_encode(value.replace("'", "''"), safe="") + "'"


def writable(native: Mapping[str, Any]) -> dict[str, Json]:
    """An object as it was read, fit to be sent back: without what OData adds, and without nulls.

    What a PUT leaves out is null after it all the same, and the description of the API allows no null.
    """
    return {
        key: _without_nulls(value) for key, value in native.items() if "@" not in key and value is not None
    }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return writable(value)
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _details(errors: Any) -> str | None:
    """The fields that problem details or a validation complain about."""
    if isinstance(errors, dict):
        parts = [
            f"{field}: {'; '.join(map(str, texts)) if isinstance(texts, list) else texts}"
            for field, texts in errors.items()
        ]
        return ", ".join(parts) or None
    if isinstance(errors, list):
        parts = [
            Record(each).text("message") or "" if isinstance(each, dict) else str(each) for each in errors
        ]
        return ", ".join(filter(None, parts)) or None
    return None
