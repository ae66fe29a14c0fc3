"""YAML: one list of mappings, taken in piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

from orchctl.bulk.readers import Fault, Raw, Source, undecodable
from orchctl.bulk.readers.jsonlines import object_row
from orchctl.errors import LocalFault
from orchctl.yaml_text import elements, value


def rows(source: Source) -> Iterator[Raw | Fault]:
    row = 0
    try:
        with source.path.open(encoding=source.encoding, errors="strict") as file:
            for row, node in enumerate(elements(file, source=source.name), start=1):  # told in faults
                yield object_row(row, value(node), node.line or None)
    except LocalFault as error:
        yield Fault(0, error.message)
    except UnicodeDecodeError as error:
        yield undecodable(error, row=row + 1)
