"""The outbox of a work that sends nothing."""

from __future__ import annotations


class Nowhere:
    """Where nothing goes out."""

    def anew(self) -> None:
        pass

    def halt(self) -> frozenset[int]:
        return frozenset()
