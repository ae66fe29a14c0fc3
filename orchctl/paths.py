"""Where orchctl keeps its files, and how it writes and locks those that are private.

Must stay cheap to import: platformdirs, tempfile and the locks are imported where they are used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from orchctl.errors import LocalFault

_APP = "orchctl"


def config_file(env: Mapping[str, str] | None = None) -> Path:
    """The configuration file that is used unless another one is named."""
    return _directory("config", env) / "config.yaml"


def state_dir(env: Mapping[str, str] | None = None) -> Path:
    """Journals, rate limits, locks: what a later run needs but nobody backs up. Not created here."""
    return _directory("state", env)


def data_dir(env: Mapping[str, str] | None = None) -> Path:
    """The sandbox's database and, where the user chose it, credentials. Not created here."""
    return _directory("data", env)


def cache_dir(env: Mapping[str, str] | None = None) -> Path:
    """What may be deleted at any time. Not created here."""
    return _directory("cache", env)


def private_dir(path: Path) -> Path:
    """Make a directory and its missing parents, each 0700; directories that exist are left as they are."""
    missing = []
    parent = path
    try:
        while not parent.exists():
            missing.append(parent)
            parent = parent.parent
        for directory in reversed(missing):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not path.is_dir():
            raise LocalFault(f"{path} is not a directory", hint="move that file out of the way")
    except OSError as error:
        raise LocalFault(f"cannot make the directory {path}: {reason(error)}") from error
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace a file's content in one step, readable by its owner only; of a symlink the target is written.

    Whoever reads meanwhile sees the old content or the new, never a part. On failure the old file is intact.
    """
    from tempfile import mkstemp

    target = Path(os.path.realpath(path))  # non-strict: a dangling link gets its file made
    if target.is_symlink():
        raise LocalFault(f"cannot write {path}: it is a symbolic link that leads to itself")
    private_dir(target.parent)
    temporary: Path | None = None
    try:
        descriptor, name = mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        temporary = None
        _sync_directory(target.parent)
    except OSError as error:
        raise LocalFault(f"cannot write {path}: {reason(error)}") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def locked(path: Path, *, wait: float = 0.0, what: str | None = None) -> Iterator[None]:
    """Hold an exclusive lock of the operating system on ``path``, which is made if it is missing and stays.

    The lock goes with the process, however that ends. ``wait`` is in seconds; a lock that is still held then
    is a LocalFault that names ``what``. A file that is replaced, not rewritten, needs a lock file beside it.
    """
    import time

    private_dir(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise LocalFault(f"cannot open the lock {path}: {reason(error)}") from error
    try:
        limit = time.monotonic() + wait
        while not _try_lock(descriptor, path):
            if time.monotonic() >= limit:
                raise LocalFault(
                    f"{what or path} is in use by another orchctl",
                    hint="wait until that one has ended, then try again",
                )
            time.sleep(0.02)
        yield
    finally:
        _unlock(descriptor)
        os.close(descriptor)


def reason(error: OSError) -> str:
    """Why, in the system's words, without the path that the message already names."""
    return error.strerror or str(error)


def _directory(kind: Literal["config", "state", "data", "cache"], env: Mapping[str, str] | None) -> Path:
    env = os.environ if env is None else env
    variable = f"XDG_{kind.upper()}_HOME"
    chosen = env.get(variable)
    if chosen and Path(chosen).is_absolute():  # the XDG specification: a relative path is ignored
        return Path(chosen) / _APP
    import platformdirs

    path = Path(getattr(platformdirs, f"user_{kind}_dir")(_APP, appauthor=False))
    if not path.is_absolute():  # no HOME and no entry in the password file, as in some containers
        raise LocalFault("there is no home directory to keep files in", hint=f"set HOME or {variable}")
    return path


def _sync_directory(directory: Path) -> None:
    """Make the rename itself survive a power cut, where the system can (Windows cannot open a directory)."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


if sys.platform == "win32":

    def _try_lock(descriptor: int, path: Path) -> bool:
        import msvcrt

        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError as error:
            raise LocalFault(f"cannot lock {path}: {reason(error)}") from error
        return True

    def _unlock(descriptor: int) -> None:
        import msvcrt

        with suppress(OSError):  # it was never taken; closing gives it back in any case
            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(descriptor: int, path: Path) -> bool:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LocalFault(f"cannot lock {path}: {reason(error)}") from error
        return True

    def _unlock(descriptor: int) -> None:
        """Closing releases the lock."""
