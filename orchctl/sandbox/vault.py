"""Secrets sealed with a key that lies beside the database, so that a copy of the database alone tells none."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

from orchctl import paths
from orchctl.errors import LocalFault

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """The key is made, 0600, when the first secret is sealed. Thread-safe: what is kept is only ever set once."""

    def __init__(self, key_file: Path) -> None:
        self.key_file = key_file
        self._key: bytes | None = None

    def seal(self, text: str, *, owner: str) -> bytes:
        """``owner`` is what it belongs to: sealed for one, it does not open for another."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._made_key()).encrypt(nonce, text.encode(), owner.encode())

    def open(self, sealed: bytes, *, owner: str) -> str:
        """
        :raises LocalFault: the key is not the one it was sealed with, or is gone.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._kept_key()
        if key is not None:
            with suppress(InvalidTag):
                nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
                return AESGCM(key).decrypt(nonce, body, owner.encode()).decode()
        raise LocalFault(
            f"a secret in the sandbox cannot be read: {self.key_file} is not the key it was sealed with",
            hint="bring the key file back, or set the secret again",
        )

    def _made_key(self) -> bytes:
        key = self._kept_key()
        if key is None:
            # Two processes may come here at once, and must come out with one key.
            lock = self.key_file.with_name(self.key_file.name + ".lock")
            with paths.locked(lock, wait=10, what=str(self.key_file)):
                key = self._kept_key()
                if key is None:
                    key = os.urandom(_KEY_BYTES)
                    paths.write_private(self.key_file, b64encode(key) + b"\n")
            self._key = key
        return key

    def _kept_key(self) -> bytes | None:
        if self._key is None:
            try:
                key = b64decode(self.key_file.read_bytes())
            except FileNotFoundError:
                return None
            except (OSError, ValueError) as error:
                raise LocalFault(f"the sandbox's key {self.key_file} cannot be read: {error}") from error
            if len(key) != _KEY_BYTES:
                raise LocalFault(f"the sandbox's key {self.key_file} is broken")
            self._key = key
        return self._key
