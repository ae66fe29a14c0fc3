"""Files fetched from an orchestrator: under a name that is safe here, whole or not at all, resumed where cut."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchctl import model
from orchctl.client.tasks import Tasks
from orchctl.dialects.base import Feature
from orchctl.errors import BadRequest, LocalFault, NetworkFault, NotFound, UsageFault
from orchctl.paths import locked, reason, state_dir
from orchctl.transport import Download

if TYPE_CHECKING:
    from orchctl.model import SavedFile, Task

_ATTEMPTS_WITHOUT_PROGRESS = 4
_LONGEST_NAME = 200
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]')
# Windows takes these for devices, with any extension.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?", re.I)


class Downloads(Tasks):
    def download_task_file(
        self, ident: str, filename: str, *, to: Path | None = None, clobber: bool = False
    ) -> SavedFile:
        """Fetch a file of a task's output, by its name or by the variable that holds it.

        ``to`` is a file or a directory; without it the file goes into the current directory.

        :raises LocalFault: the target exists and may not be overwritten, or cannot be written.
        """
        self.require(Feature.DOWNLOAD_TASK_FILE)
        if to is not None and not to.is_dir():
            _check_free(to, clobber=clobber)  # before anything is asked
        task = self.get_task(ident)
        filename = _file_named(task, filename)
        target = _target(filename, to)
        _check_free(target, clobber=clobber)
        size = self._fetch(
            target,
            clobber=clobber,
            key=f"{self.dialect.context.origin} {task.id} {filename}",
            open_at=lambda start: self.dialect.download_task_file(task.id, filename, start),
        )
        return model.SavedFile(id=task.id, file=filename, path=str(target), size=size)

    def _fetch(self, target: Path, *, clobber: bool, key: str, open_at: Callable[[int], Download]) -> int:
        """Into a ``.part`` beside the target, which is kept when the line breaks and used again later."""
        # Its name says of which file it is a part, so that it is never completed with another's rest.
        mark = hashlib.sha256(key.encode()).hexdigest()[:8]
        part = target.with_name(f".{target.name}.{mark}.part")
        lock = hashlib.sha256(str(part.absolute()).encode()).hexdigest()[:16]
        with locked(state_dir() / "downloads" / f"{lock}.lock", what=str(target)), _local_faults(part):
            size = self._complete(part, open_at)
            _check_free(target, clobber=clobber)
            part.replace(target)
        return size

    def _complete(self, part: Path, open_at: Callable[[int], Download]) -> int:
        """Bring a part to its end; gives the size. Each attempt that got further starts the count anew."""
        tries = 0
        while True:
            start = part.stat().st_size if part.exists() else 0
            try:
                return _append(part, open_at, start)
            except BadRequest:
                if start == 0:
                    raise
                part.unlink()  # the server does not take that range: all of it once more
                continue
            except NetworkFault as error:
                end = part.stat().st_size if part.exists() else 0
                tries = 0 if end > start else tries + 1
                if tries >= _ATTEMPTS_WITHOUT_PROGRESS:
                    error.notes.append(f"{end} bytes are kept; the same command goes on from there")
                    raise
                self._note(f"{error.message}; going on after {end} bytes")
                self._sleep(min(2.0**tries, 10.0))


def _append(part: Path, open_at: Callable[[int], Download], start: int) -> int:
    download = open_at(start)
    try:
        if download.start != start:
            if download.start != 0:
                raise NetworkFault(f"the server sent the file from byte {download.start} on, not {start}")
            start = 0  # it does not resume
        total = download.total
        with part.open("r+b" if start else "wb") as file:
            part.chmod(0o600)
            file.seek(start)
            file.truncate()
            for chunk in download.chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
    finally:
        download.close()
    if total is not None and size != total:
        raise NetworkFault(f"the server announced {total} bytes and sent {size}")
    return size


def safe_name(filename: str) -> str:
    """The last part of a name, without anything that a file system or a terminal would stumble over.

    :raises UsageFault: nothing is left of it.
    """
    name = _UNSAFE.sub("_", filename.replace("\\", "/").rstrip("/").rpartition("/")[2]).strip(" ")
    name = name.rstrip(". ") if name.strip(".") else ""
    if not name:
        raise UsageFault(f"{filename!r} cannot be a file's name here", hint="choose one: --to PATH")
    if _DEVICES.fullmatch(name):
        name = f"_{name}"
    while len(name.encode()) > _LONGEST_NAME:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{suffix}" if stem and len(suffix) < 20 else name[:-1]
    return name


def _target(filename: str, to: Path | None) -> Path:
    if to is None or to.is_dir():
        return (to or Path()) / safe_name(filename)
    return to


def _check_free(target: Path, *, clobber: bool) -> None:
    if target.is_dir():
        raise LocalFault(f"{target} is a directory")
    if not target.parent.is_dir():
        raise LocalFault(
            f"there is no directory {target.parent}", hint="make it first, or choose another --to"
        )
    if not clobber and (target.exists() or target.is_symlink()):
        raise LocalFault(f"{target} exists already", hint="overwrite it with --clobber, or choose --to PATH")


def _file_named(task: Task, asked: str) -> str:
    """The file's name: as asked for, or the value of the output variable of that name, in any case."""
    output = task.output if isinstance(task.output, dict) else {}
    if asked in set(_names(list(output.values()))):
        return asked
    for key, value in output.items():
        if key.lower() == asked.lower():
            names = list(_names([value]))
            if len(names) == 1:
                return names[0]
            if not names:
                raise NotFound(f"the output {key!r} of the task {task.id} holds no file")
            raise UsageFault(
                f"the output {key!r} holds {len(names)} files", hint=f"name one: {', '.join(names)}"
            )
    return asked


def _names(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))


@contextmanager
def _local_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalFault(f"cannot write {path}: {reason(error)}") from error
