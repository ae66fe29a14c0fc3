"""One run of the program: its streams, options, context and, when first asked for, its client.

This is the composition root: the only place that knows how the parts are put together. Each part of it is one
thing that a command may want of its run; the command sees one object.
"""

from __future__ import annotations

from orchctl.invocation.agents import Agents
from orchctl.invocation.many import Many
from orchctl.invocation.options import Options
from orchctl.invocation.watching import Watching

__all__ = ["Invocation", "Options"]


class Invocation(Many, Watching, Agents):
    """What a command is given. ``note`` and ``show`` are its only ways to say something."""
