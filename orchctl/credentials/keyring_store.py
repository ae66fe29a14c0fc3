"""The operating system's keyring, asked for at most three seconds. The only module that imports keyring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from orchctl.errors import LocalFault
from orchctl.paths import state_dir, write_private

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "orchctl"
LIMIT = 3.0


class KeyringFault(Exception):
    """The keyring did not do what it was asked; the text says why."""


class NoKeyring(KeyringFault):
    """There is none on this machine."""


def get(account: str, env: Mapping[str, str], *, remember: bool = True) -> tuple[str | None, str]:
    """What is kept for an account, and the name of the back end that was asked."""
    return _in_time(
        lambda keyring: (keyring.get_password(SERVICE, account), _name(keyring)), env, remember=remember
    )


def probe(env: Mapping[str, str]) -> str:
    """The name of the back end that would be used; changes nothing, not even what is remembered of it.

    :raises KeyringFault: there is none that works.
    """

    def work(keyring: KeyringBackend) -> str:
        keyring.get_password(SERVICE, "no such account")
        return _name(keyring)

    return _in_time(work, env, remember=False)


def keep(account: str, value: str, env: Mapping[str, str]) -> str:
    """Keep a secret, make sure of it, and say which back end has it now."""

    def work(keyring: KeyringBackend) -> str:
        keyring.set_password(SERVICE, account, value)
        if keyring.get_password(SERVICE, account) != value:
            raise KeyringFault(f"{_name(keyring)} did not keep what it was given")
        return _name(keyring)

    return _in_time(work, env)


def remove(accounts: Sequence[str], env: Mapping[str, str]) -> bool:
    """Remove what is kept for these accounts. Whether there was anything."""

    def work(keyring: KeyringBackend) -> bool:
        kept = [account for account in accounts if keyring.get_password(SERVICE, account) is not None]
        for account in kept:
            keyring.delete_password(SERVICE, account)
            if keyring.get_password(SERVICE, account) is not None:
                raise KeyringFault(f"{_name(keyring)} did not delete what it was told to")
        return bool(kept)

    return _in_time(work, env)


def _in_time(work: Callable[[KeyringBackend], T], env: Mapping[str, str], *, remember: bool = True) -> T:
    """Back ends may wait for ever: a prompt that nobody sees, a D-Bus service that is dead.

    A daemon thread can be left behind then, and does not hold up the end of the program.
    """
    done: list[T] = []
    faults: list[KeyringFault] = []

    def run() -> None:
        try:
            done.append(work(_backend(env, remember=remember)))
        except Exception as error:  # whatever a back end raises, its own classes included
            faults.append(_fault_of(error))

    thread = Thread(target=run, daemon=True, name="keyring")
    thread.start()
    thread.join(LIMIT)
    if faults:
        raise faults[0]
    if not done:
        raise KeyringFault(f"the keyring did not answer within {LIMIT:g} s; it may be locked")
    return done[0]


def _fault_of(error: Exception) -> KeyringFault:
    if isinstance(error, KeyringFault):
        return error
    try:
        from keyring.errors import KeyringLocked, NoKeyringError
    except Exception as broken:
        return KeyringFault(f"the keyring library cannot be loaded: {broken}")
    if isinstance(error, NoKeyringError):
        return NoKeyring("there is no keyring on this machine")
    if isinstance(error, KeyringLocked):
        return KeyringFault("the keyring is locked")
    return KeyringFault(f"the keyring failed: {type(error).__name__}: {error}")


def _backend(env: Mapping[str, str], *, remember: bool) -> KeyringBackend:
    """The user's own choice of a back end, else the one that was found last time, else the best there is.

    One that keyring itself does not recommend (a plain file, say) is taken only if the user chose it.
    """
    from keyring import core

    if chosen := core.load_env() or core.load_config():
        return chosen
    remembered = state_dir(env) / "keyring-backend"
    with suppress(Exception):  # none yet, or not usable here any more: look again
        name = remembered.read_text("utf-8").strip()
        if name.startswith("keyring."):
            return core.load_keyring(name)
    core.init_backend(core.recommended)
    found = core.get_keyring()
    if remember and core.recommended(found):
        with suppress(LocalFault):
            write_private(remembered, f"{_name(found)}\n".encode())
    return found


def _name(keyring: KeyringBackend) -> str:
    return f"{type(keyring).__module__}.{type(keyring).__qualname__}"
