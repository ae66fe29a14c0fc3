"""Results and plans, as the output options ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from orchctl.errors import OrchctlError, UsageFault
from orchctl.guess import did_you_mean
from orchctl.invocation.setup import Setup
from orchctl.sanitize import scrub

if TYPE_CHECKING:
    from orchctl.model import Json
    from orchctl.render import Layout
    from orchctl.transport import PlannedRequest, Reply

T = TypeVar("T")


class Showing(Setup):
    has_shown_plans = False
    """Was it a dry run that showed what it would send? Then that is all of the result."""

    @cached_property
    def layout(self) -> Layout:
        from orchctl.render import Format, Layout, TimeStyle

        options = self.options
        output = options.output or self.env.get("ORCHCTL_OUTPUT") or self._default_output() or "table"
        return Layout(
            format=choice(Format, output, "output format"),
            fields=tuple(name.strip() for name in options.fields.split(",")) if options.fields else None,
            query=options.query,
            sort_by=options.sort_by,
            headers=not options.no_headers,
            time=choice(TimeStyle, options.time or "local", "time style"),
        )

    def check(self, kind: type[Any]) -> None:
        """:raises UsageFault: the result could not be shown as asked; said before anything is sent."""
        from orchctl.render import check
        from orchctl.transport import Plan

        if self.options.dry_run and self._suits(Plan):
            kind = Plan
        check(self.layout, self._shown_as(kind)[0])

    def show(self, result: object, kind: type[Any]) -> None:
        """Write a result: one object, or rows as they come."""
        from orchctl.render import show

        shown, part = self._shown_as(kind)
        if part is not None:
            result, kind = getattr(result, part), shown
        single = isinstance(result, kind)
        rows: Iterable[Any] = [result] if single else result  # type: ignore[assignment]  # rows of kind
        live = getattr(kind, "shown_live", False)
        show(rows, kind, self.layout, self.streams, single=single, live=live)

    def _shown_as(self, kind: type[Any]) -> tuple[type[Any], str | None]:
        """What rows are shown of a result: a type may say that tables show the rows in one of its fields."""
        from orchctl.render import Format

        part, rows = getattr(kind, "rows_in_tables", (None, kind))
        if part is None or self.layout.format in (Format.JSON, Format.YAML) or self.layout.query:
            return kind, None
        return rows, part

    @property
    def _is_shaped(self) -> bool:
        options = self.options
        return bool(options.fields or options.query or options.sort_by)

    def show_text(self, text: str) -> None:
        """Write a result that is one word or line; in JSON it is a string."""
        from orchctl.render import Format, document

        if self.layout.format in (Format.JSON, Format.JSONL, Format.YAML):
            document(text, self.layout, self.streams)
        else:
            self.streams.write(f"{text}\n")

    def show_data(self, data: Json, *, by_default: str = "json") -> None:
        """Write data that is of no type of the vocabulary, indented, unless another format was asked for."""
        from orchctl.render import Format, document

        asked = self.options.output or self.env.get("ORCHCTL_OUTPUT")
        layout = self.layout if asked else replace(self.layout, format=Format(by_default))
        document(data, layout, self.streams)

    def show_answer(self, reply: Reply, *, head: bool, body: bool) -> None:
        """Write a server's answer as it came; on a terminal, or where a format is asked for, its JSON."""
        from orchctl.sanitize import safe
        from orchctl.transport.redact import headers

        if head:
            lines = [
                f"HTTP {reply.status}",
                *(f"{name}: {value}" for name, value in headers(reply.headers).items()),
            ]
            self.streams.write("".join(f"{safe(line)}\n" for line in lines) + "\n")
        if not body or reply.empty:
            return None
        options = self.options
        asked = options.output or options.query or options.fields or options.sort_by
        if asked or self.env.get("ORCHCTL_OUTPUT"):
            return self.show_data(reply.data(noise=True))
        if not self.streams.stdout_is_terminal:
            return self.streams.write_bytes(reply.body)
        try:
            self.show_data(reply.data(noise=True))
        except OrchctlError:  # no JSON, which is no fault here
            try:
                self.streams.write(safe(reply.text().rstrip("\n"), keep_newlines=True) + "\n")
            except UnicodeDecodeError:
                self.note(f"{len(reply.body)} bytes that are not text; to keep them: > FILE")

    def advise(self, lines: Sequence[str]) -> None:
        """What to say after a table and before the run's failure; other formats hold it themselves."""
        from orchctl.render import Format

        if self.layout.format in (Format.TABLE, Format.WIDE):
            (self.failure.notes if self.failure else self.held_notes).extend(map(scrub, lines))

    def rehearses(self, action: str) -> bool:
        """In a dry run, show what something on this machine would do; it is then not to be done."""
        if self.options.dry_run:
            self.show_text(f"would {action}; nothing was done")
        return bool(self.options.dry_run)

    def show_plans(self, requests: Iterable[PlannedRequest], *, single: bool = False) -> None:
        """What a dry run would have sent, as it comes; ``single``: one request, rather than a list of one."""
        from orchctl.render import Format, show
        from orchctl.transport import Plan

        self.has_shown_plans = True
        layout = self.layout
        if layout.format in (Format.TABLE, Format.WIDE):
            for request in requests:
                self.streams.write(f"{request.http}\n\n{request.plan.curl}\n")
            return
        if not self._suits(Plan):  # they were meant for what the command gives when it is not rehearsed
            layout = replace(layout, fields=None, sort_by=None)
        show((request.plan for request in requests), Plan, layout, self.streams, single=single)

    def _suits(self, kind: type[Any]) -> bool:
        from orchctl.render import check

        try:
            check(replace(self.layout, query=None), kind)
        except UsageFault:
            return False
        return True


def choice(kind: type[T], text: str, what: str, *, also: Sequence[str] = ()) -> T:
    """The member of an enum of words that an option names; it may be one of ``also`` where that is looked at."""
    try:
        return kind(text)  # type: ignore[call-arg]  # kind is an enum
    except ValueError:
        words = [*also, *(member.value for member in kind)]  # type: ignore[attr-defined]  # kind is an enum
        guess = did_you_mean(text, words)
        hint = f"one of: {', '.join(words)}"
        raise UsageFault(f"{text!r} is no {what}", hint=f"{guess} {hint}" if guess else hint) from None
