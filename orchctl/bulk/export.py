"""Tasks written down so that ``--from`` reads them back without loss, one at a time, however many there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import IO, TYPE_CHECKING, Any

from orchctl.errors import LocalFault, UsageFault
from orchctl.paths import reason
from orchctl.render import Format, Layout, show
from orchctl.render.columns import field_names, require_known
from orchctl.render.jsontext import compact
from orchctl.streams import Streams

if TYPE_CHECKING:
    from orchctl.model import Task

_CHUNK = 1024 * 1024


class ExportFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    JSON = "json"
    YAML = "yaml"
    XLSX = "xlsx"


_CELLS_ARE_TEXT = (ExportFormat.CSV, ExportFormat.XLSX)
# Values of any JSON type: in a cell, a text and a number of the same look must not be confused.
_JSON_FIELDS = ("payload", "output")


def export_format(text: str | None, to: Path | None) -> ExportFormat:
    """What was asked for, by name or by that of the file; CSV where neither says anything.

    :raises UsageFault: rows cannot be read back from that.
    """
    if text is None:
        known = {f".{each}": each for each in ExportFormat} | {
            ".yml": ExportFormat.YAML,
            "": ExportFormat.CSV,
        }
        try:
            return known[to.suffix.lower() if to else ""]
        except KeyError:
            raise UsageFault(
                f"the name of {to} does not tell the format", hint=f"add -o {'|'.join(ExportFormat)}"
            ) from None
    try:
        return ExportFormat(text)
    except ValueError:
        raise UsageFault(
            f"tasks are not exported as {text!r}", hint=f"one of: {', '.join(ExportFormat)}"
        ) from None


def export(
    tasks: Iterable[Task],
    kind: type[Task],
    format: ExportFormat,
    streams: Streams,
    *,
    to: Path | None,
    clobber: bool,
    fields: tuple[str, ...] | None,
) -> None:
    """Write the tasks to standard output, or to a file that is there only once it is whole."""
    names = fields or tuple(name for name in field_names(kind) if name != "native")
    require_known(names, field_names(kind))
    if to is not None and S_ISREG(_mode(to)) and not clobber:
        raise LocalFault(f"{to} is there already", hint="choose another name, or add --clobber")
    if format is ExportFormat.XLSX and to is None and streams.stdout_is_terminal:
        raise UsageFault("a workbook is nothing for a terminal", hint="write it to a file with --to FILE")
    if format in _CELLS_ARE_TEXT:
        tasks = map(_with_json_in_cells, tasks)
    if format is not ExportFormat.XLSX:
        layout = Layout(format=Format(format), fields=names)
        if to is None:
            show(tasks, kind, layout, streams)
            return
        with (
            _whole(to) as part,
            part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as text,
        ):
            inner = Streams(
                stdin=None, stdout=text, stderr=streams.stderr, env=streams.env, stdout_name=str(to)
            )
            show(tasks, kind, layout, inner)
            inner.finish()
        return
    from tempfile import TemporaryFile

    from orchctl.bulk.readers.xlsx import write

    if to is not None:
        with _whole(to) as part, part.open("wb") as file:
            write(tasks, kind, names, file)
        return
    with TemporaryFile() as file:
        write(tasks, kind, names, file)
        for chunk in _chunks(file):
            streams.write_bytes(chunk)


def _with_json_in_cells(task: Task) -> Task:
    texts: dict[str, Any] = {
        name: compact(value) for name in _JSON_FIELDS if isinstance(value := getattr(task, name), str)
    }
    return replace(task, **texts) if texts else task


@contextmanager
def _whole(to: Path) -> Iterator[Path]:
    """A file to write into that becomes ``to`` at the end, and vanishes if it comes to none.

    A link stays one; what is no file, such as a pipe, is written into itself.
    """
    to = Path(os.path.realpath(to))
    mode = _mode(to)
    if mode and not S_ISREG(mode):
        try:
            yield to
        except OSError as error:
            raise LocalFault(f"cannot write {to}: {reason(error)}") from None
        return
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(to)
    except OSError as error:
        raise LocalFault(f"cannot write {to}: {reason(error)}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _mode(to: Path) -> int:
    """What kind of file is there; 0: none.

    :raises LocalFault: none can be.
    """
    try:
        mode = to.stat().st_mode
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise LocalFault(f"cannot write {to}: {reason(error)}") from None
    if S_ISDIR(mode):
        raise LocalFault(f"cannot write {to}: it is a directory")
    return mode


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk
