"""What was typed, made into what is meant: ids, payloads, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orchctl.errors import LocalFault, NotFound, UsageFault
from orchctl.invocation.program import Program
from orchctl.payload import build, merged_pairs, read_data
from orchctl.times import parse_time

if TYPE_CHECKING:
    from orchctl.model import Json

T = TypeVar("T")


class Inputs(Program):
    def targets(self, idents: Sequence[str]) -> list[str]:
        """The ids given, where ``-`` stands for those on standard input, one a line."""
        found: list[str] = []
        for ident in idents:
            # A name is taken as it was typed; a line of a file may have ends of its own.
            found += self._listed() if ident == "-" else [ident]
        found = [ident for ident in found if ident]
        for ident in found:
            if "\n" in ident:
                raise UsageFault(
                    f"{ident!r} is no id: it holds a line break",
                    hint="give each id as a word of its own, or - and one a line on standard input",
                )
        if not found and "-" not in idents:
            raise UsageFault("no id was given", hint="name at least one, or write - and give them on stdin")
        return list(dict.fromkeys(found))

    def _listed(self) -> list[str]:
        lines = [line.strip() for line in self._stdin().split("\n")]
        for line in lines:
            if line.startswith(("[", "{")) or "\t" in line:
                raise UsageFault(
                    "what standard input has is no list of ids", hint="-o name prints one: an id a line"
                )
        return lines

    def payload(
        self,
        data: str | None,
        strings: Sequence[tuple[str, str]] | None,
        typed: Sequence[tuple[str, Json]] | None,
    ) -> Json:
        """The payload of something new: --data with -p and -P laid over it."""
        return build(self.data(data), merged_pairs(strings or (), typed or ()))

    def payload_change(
        self,
        data: str | None,
        strings: Sequence[tuple[str, str]] | None,
        typed: Sequence[tuple[str, Json]] | None,
    ) -> tuple[Json, dict[str, Json]]:
        """What replaces a payload as a whole, and what is laid over the one there is."""
        pairs = merged_pairs(strings or (), typed or ())
        if data is None:
            return None, pairs
        return build(self.data(data), pairs), {}

    def data(self, text: str | None, option: str = "--data") -> Json:
        """The JSON of --data, or of another ``option``."""
        if text is None:
            return None
        if text not in self.kept_data:
            found = read_data(text, self._stdin, option=option)
            if text != "-" and not text.startswith("@"):
                return found
            self.kept_data[text] = found
        return self.kept_data[text]

    def file(self, name: str) -> bytes:
        """A file's content, or, for ``-``, that of standard input."""
        if name == "-":
            return self.streams.read()
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise LocalFault(f"cannot read {name}: {error.strerror}") from None

    def moment(self, text: str | None, *, forward: bool = True) -> datetime | None:
        return None if text is None else parse_time(text, now=self._now, forward=forward)

    def period(self, since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
        """From when to when something was created.

        :raises UsageFault: nothing can have been.
        """
        begin, end = self.moment(since, forward=False), self.moment(until, forward=False)
        hint = "a duration counts back: --since 1h --until 10m"
        if begin is not None and begin > self._now:
            raise UsageFault(f"--since {since} is in the future", hint=hint)
        if begin is not None and end is not None and end < begin:
            raise UsageFault(f"--until {until} is before --since {since}", hint=hint)
        return begin, end

    def some(self, change: T, *more: object) -> T:
        """:raises UsageFault: nothing is to be changed."""
        given = [getattr(change, field.name) for field in fields(change)]  # type: ignore[arg-type]  # a dataclass
        if all(value is None for value in given) and not any(more):
            raise UsageFault("nothing to change", hint="give at least one field; --help lists them")
        return change

    def needed(self, value: T | None, what: str) -> T:
        """:raises UsageFault: something that is optional only because of --from was left out."""
        if value is None:
            raise UsageFault(f"missing {what}", hint="or give a file of rows with --from; --help says more")
        return value

    def at_most(self, limit: int | None, everything: bool) -> int | None:
        """How many rows to show: all, unless a number was given."""
        if everything and limit is not None:
            raise UsageFault("--limit and --all are two answers to one question", hint="give one of them")
        return limit

    def refuse_with(self, option: str, others: Mapping[str, object]) -> None:
        """:raises UsageFault: one of the other options is given, which makes no sense beside this one."""
        for other, value in others.items():
            if value:
                raise UsageFault(f"{option} and {other} do not go together", hint=f"leave {other} out")

    def or_not_found(self, found: T | None, message: str, *, strict: bool) -> T | None:
        if found is None and strict:
            raise NotFound(message)
        return found

    def _stdin(self) -> str:
        return self._stdin_text

    @cached_property
    def _stdin_text(self) -> str:
        try:
            return self.streams.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageFault("standard input is not UTF-8 text") from None
