"""Folders, and lists that go through all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import TYPE_CHECKING, Self, TypeVar

from orchctl.client.core import Core
from orchctl.dialects.base import Feature
from orchctl.errors import NotFound

if TYPE_CHECKING:
    from orchctl.model import Folder

T = TypeVar("T")


class Folders(Core):
    def create_folder(self, name: str) -> Folder:
        self.require(Feature.CREATE_FOLDER)
        return self.dialect.create_folder(name)

    def list_folders(self) -> Iterator[Folder]:
        self.require(Feature.LIST_FOLDERS)
        empty = True
        for folder in self._paged(self.dialect.list_folders):
            empty = False
            yield folder
        if empty:
            self._note("no folder is visible: a credential without the right to see folders is told of none")

    def across_folders(self, rows: Callable[[Self], Iterable[T]]) -> Iterator[T]:
        """The rows of each folder in turn; one that does not have what is asked about has no rows.

        :raises NotFound: no folder has it.
        """
        missing: NotFound | None = None
        found = False
        for folder in list(self.list_folders()):
            try:
                for row in rows(self._in_folder(folder.id)):
                    found = True
                    yield row
            except NotFound as error:
                missing = error
            else:
                found = True
        if missing is not None and not found:
            raise missing

    def _in_folder(self, folder: str) -> Self:
        """The same client in another folder, where other objects have the same names."""
        other = copy(self)
        other.dialect = self.dialect.in_folder(folder)
        other._queue_names = {}
        other._seen_by_key = {}
        return other
