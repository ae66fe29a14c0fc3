"""Keyrings that do what real ones do on bad days. ``PYTHON_KEYRING_BACKEND`` names one of them."""

from __future__ import annotations

import threading
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked, PasswordDeleteError, PasswordSetError


class Memory(KeyringBackend):
    """The good day."""

    priority: ClassVar[float] = 1
    kept: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("No such password!")


class Sleeping(Memory):
    """Waits for a prompt that nobody answers."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()


class Forgetful(Memory):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Mangling(Memory):
    """Cuts what is long, as the Windows credential store once did."""

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password[:8])


class Small(Memory):
    """Takes short texts only, as that of Windows does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password) > 100:
            raise PasswordSetError("The stub received bad data.")
        super().set_password(service, username, password)


class Locked(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("Failed to unlock the collection!")


class Uninitialised(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise InitError("Failed to create the collection: Prompt dismissed..")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise InitError("Failed to create the collection: Prompt dismissed..")


class Raising(Memory):
    """Lets the errors of the library below it through."""

    def get_password(self, service: str, username: str) -> str | None:
        raise ConnectionResetError("the bus is gone")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise ConnectionResetError("the bus is gone")


class Clinging(Memory):
    def delete_password(self, service: str, username: str) -> None:
        pass
