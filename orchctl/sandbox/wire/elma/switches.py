"""Ways in which a real ELMA server may differ from the documents, or has to be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from orchctl.sandbox.engine import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Ways in which a real server may differ, to test clients on. ``strict`` takes the harder of each."""

    mirror_status: bool = False
    """The body's status is HTTP's too."""
    strict_owner: bool = False
    """Only the system that created a task may read it and fetch its files."""
    no_callback: bool = False
    """The older edition of the document, which has no callback."""
    no_delete_alias: bool = False
    """The other path that cancel may have is not there."""
    no_variables: bool = False
    """The two calls that only the vendor's client shows are not there."""
    zero_metrics: bool = False
    """Times of a run stay the year 1, as the document's sample has them."""
    local_created: bool = False
    """Times of a task in the queue have the offset +04:00, as the document's sample has them."""
    no_resume: bool = False
    """A download always begins at its first byte."""

    @classmethod
    def of(cls, words: Sequence[str], *, strict: bool = False) -> Switches:
        """From words such as ``mirror-status``.

        :raises Invalid: there is no such switch.
        """
        names = {field.name.replace("_", "-"): field.name for field in fields(cls)}
        for word in words:
            if word not in names:
                raise Invalid(f"there is no switch {word!r}; there are: {', '.join(names)}")
        chosen = dict.fromkeys((names[word] for word in words), True)
        return replace(_STRICT if strict else cls(), **chosen)


_STRICT = Switches(strict_owner=True, no_delete_alias=True, zero_metrics=True, local_created=True)
