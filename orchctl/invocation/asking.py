"""Questions: before what cannot be taken back, and for what only a person knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchctl.errors import Declined, Signalled, UsageFault
from orchctl.invocation.setup import Setup


class Asking(Setup):
    @property
    def may_prompt(self) -> bool:
        return not self._flag("no_input", "ORCHCTL_NO_INPUT") and self.streams.stdin_is_terminal

    def confirm(self, action: str) -> None:
        """Ask before something that cannot be taken back.

        :raises Declined: the answer was no.
        :raises UsageFault: nobody can be asked, and the option that answers was not given.
        """
        options = self.options
        if options.dry_run:
            return
        context = self.context
        question = f"{action} in the context {context.name!r}"
        if context.protected:
            if options.confirm is None and not self.may_prompt:
                raise UsageFault(
                    f"the context {context.name!r} is protected", hint=f"add --confirm {context.name}"
                )
            answer = options.confirm or self.ask(f"{question}? Type the context's name: ")
            if answer != context.name:
                raise Declined(f"{answer!r} is not the name of the context, so nothing was done")
            return
        if options.confirm != context.name:
            self.confirm_local(question)

    def confirm_raw(self, method: str, path: str) -> None:
        """Ask before a raw DELETE in a protected context: elsewhere a raw call is the user's own word."""
        if method == "DELETE" and self.context.protected:
            self.confirm(f"Send {method} {path}")

    def confirm_local(self, question: str) -> None:
        """The same for something on this machine, which no context protects."""
        if self.options.yes or self.options.dry_run:
            return
        if not self.may_prompt:
            raise UsageFault(f"{question} needs a yes, and there is no terminal to ask", hint="add --yes")
        if self.ask(f"{question}? [y/N] ").strip().lower() not in ("y", "yes"):
            raise Declined("nothing was done")

    def ask(self, prompt: str) -> str:
        """One line from the terminal."""
        self._need_a_person(prompt)
        with self._line_ended():
            self.streams.prompt(prompt)
            line = self.streams.stdin.readline() if self.streams.stdin else ""
        if not line:
            self.streams.talk("")
            raise Declined("no answer was given, so nothing was done")
        return line.rstrip("\r\n")

    def ask_secret(self, prompt: str) -> str:
        """One line from the terminal that is not shown."""
        from getpass import getpass

        self._need_a_person(prompt)
        try:
            with self._line_ended():
                return getpass(prompt, stream=self.streams.stderr)
        except EOFError:
            self.streams.talk("")
            raise Declined("no answer was given, so nothing was done") from None

    @contextmanager
    def _line_ended(self) -> Iterator[None]:
        """A signal at a question leaves the cursor behind it, where the shell's prompt would begin."""
        try:
            yield
        except (KeyboardInterrupt, Signalled):
            self.streams.talk("")
            raise

    def _need_a_person(self, prompt: str) -> None:
        if not self.may_prompt:
            raise UsageFault(f"an answer is needed ({prompt.strip(' :?')}), and there is no terminal to ask")
