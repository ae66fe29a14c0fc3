"""YAML text as orchctl reads, writes and edits it. The sole owner of yaml, which it imports only when used.

Reading is strict (no duplicate keys, tags or second document, and no guessing: ``yes``, ``1:20``, ``010`` and
``2026-01-31`` are text) and knows the line of everything. An edit changes the lines concerned and no others.
"""

from orchctl.yaml_text.editing import drop, put, rename
from orchctl.yaml_text.reading import Listing, Node, Scalar, Table, dump, elements, node_of, read, value

__all__ = [
    "Listing",
    "Node",
    "Scalar",
    "Table",
    "drop",
    "dump",
    "elements",
    "node_of",
    "put",
    "read",
    "rename",
    "value",
]
