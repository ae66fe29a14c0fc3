"""Files that keep what a secret got, encrypted with that secret: of no use to whoever does not have it already.

For tokens whose secret comes from the environment or a program, and for keyrings that will not take them.
"""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchctl.paths import state_dir, write_private

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_SALT = 16


def get(account: str, secret: str, env: Mapping[str, str]) -> str | None:
    """What was kept; nothing where it was sealed with another secret, or is damaged."""
    try:
        content = _file(account, env).read_bytes()
    except OSError:
        return None
    from cryptography.fernet import InvalidToken

    with suppress(InvalidToken, UnicodeDecodeError):
        return _sealer(secret, content[:_SALT]).decrypt(content[_SALT:]).decode()
    return None


def keep(account: str, value: str, secret: str, env: Mapping[str, str]) -> None:
    salt = os.urandom(_SALT)
    write_private(_file(account, env), salt + _sealer(secret, salt).encrypt(value.encode()))


def remove(account: str, env: Mapping[str, str]) -> None:
    with suppress(OSError):
        _file(account, env).unlink()


def _file(account: str, env: Mapping[str, str]) -> Path:
    return state_dir(env) / "sessions" / hashlib.sha256(account.encode()).hexdigest()[:16]


def _sealer(secret: str, salt: bytes) -> Fernet:
    """Slow to guess, 50 ms a try: a password is easier to guess than a client's secret."""
    from cryptography.fernet import Fernet

    key = hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)
    return Fernet(urlsafe_b64encode(key))
