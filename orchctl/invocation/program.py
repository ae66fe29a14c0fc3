"""One run as such: its streams and options, what it notes, and what is to be done at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from re import Pattern
from typing import TYPE_CHECKING, Any

from orchctl.errors import LocalFault, OrchctlError
from orchctl.invocation.options import Options
from orchctl.sanitize import register_secret, scrub
from orchctl.streams import Streams

if TYPE_CHECKING:
    from orchctl.bulk.line import Line
    from orchctl.bulk.session import Session
    from orchctl.config import Config
    from orchctl.model import Json
    from orchctl.transport import Transport


class Program:
    def __init__(
        self,
        streams: Streams,
        env: Mapping[str, str],
        *,
        again: Callable[[list[str], Mapping[str, str]], int],
    ) -> None:
        """``again`` runs another whole command line in this process."""
        self.streams = streams
        self.env = env
        for variable in ("ORCHCTL_TOKEN", "ORCHCTL_CLIENT_SECRET", "ORCHCTL_PASSWORD"):
            register_secret(env.get(variable, ""))
        self.again = again
        self.options = Options()
        self.held_notes: list[str] = []
        self.failure: OrchctlError | None = None
        self.exit_code = 0
        self._highlight: tuple[Pattern[str], ...] = ()
        self._watched: list[str] | None = None
        """What was noted while a command looks again and again: each thing is said once."""
        self.kept_data: dict[str, Json] = {}
        self._closing = ExitStack()
        self._transport: Transport | None = None
        self._line: Line | None = None
        self._session: Session | None = None

    @cached_property
    def config(self) -> Config:
        from orchctl.config import load

        path = self.options.config or self.env.get("ORCHCTL_CONFIG")
        return load(Path(path) if path else None, env=self.env)

    def apply(self, given: Mapping[str, Any]) -> None:
        """Take options over; what stands after the verb wins over what stands before the noun."""
        for name in Options.__annotations__:
            if given.get(name) is not None and given[name] is not False:
                setattr(self.options, name, given[name])

    def close(self) -> None:
        self._closing.close()

    @cached_property
    def _now(self) -> datetime:
        """When it began; a run that is taken up again began when it did first."""
        resumed = self._line.resumed if self._line else None
        return datetime.now(UTC) if resumed is None else datetime.fromisoformat(resumed.started)

    @property
    def began(self) -> datetime:
        return self._now

    @property
    def is_rehearsal(self) -> bool:
        """Is it a dry run?"""
        return bool(self.options.dry_run)

    def at_the_end(self, act: Callable[[], None]) -> None:
        """``act`` is done when this ends, however it does; the last one first."""
        self._closing.callback(act)

    def halt(self) -> frozenset[int]:
        """Nothing goes out any more; the threads that have written something, or are at it, since ``anew``."""
        return frozenset() if self._transport is None else self._transport.halt()

    def anew(self) -> None:
        """What this thread has written so far is accounted for."""
        if self._transport is not None:
            self._transport.anew()

    @property
    def machine_errors(self) -> bool:
        """With -o json the one error object is all that a failed command writes on stderr."""
        return (self.options.output or self.env.get("ORCHCTL_OUTPUT") or self._default_output()) == "json"

    def note(self, text: str) -> None:
        """Something the user should know that is not the result."""
        if self._session is not None:
            self._session.progress.hide()
        if self._watched is not None:
            if text in self._watched:
                return
            self._watched.append(text)
            if self.streams.stdout_is_terminal:
                return
        if self.machine_errors:
            self.held_notes.append(scrub(text))
        else:
            self.streams.talk(f"note: {text}")

    def tell(self, text: str) -> None:
        """A line for people; with JSON errors it is kept for the one object."""
        if self._watched is not None:
            self.note(text)
        elif self.machine_errors:
            self.held_notes.append(scrub(text))
        else:
            self.streams.talk(text)

    def release_notes(self) -> None:
        """The command went well, so there is no error object for the notes to go into."""
        for text in self.held_notes:
            self.streams.talk(f"note: {text}")
        self.held_notes.clear()

    def _default_output(self) -> str | None:
        try:
            return self.config.defaults.output
        except LocalFault:  # a command that needs more of a broken file than this says what is wrong with it
            return None

    def _flag(self, name: str, variable: str) -> bool:
        return bool(getattr(self.options, name)) or is_on(self.env.get(variable, ""))


def is_on(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "on")
