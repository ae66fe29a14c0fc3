"""The configuration: contexts and defaults, where they come from, and how the file is changed.

One set of rules reads the file, the environment and the command line. A file that breaks them stays as it is.
"""

from orchctl.config.choosing import choose, existing, select
from orchctl.config.editing import add_context, remove_context, rename_context, use_context
from orchctl.config.model import Config, Context, Defaults
from orchctl.config.reading import load

__all__ = [
    "Config",
    "Context",
    "Defaults",
    "add_context",
    "choose",
    "existing",
    "load",
    "remove_context",
    "rename_context",
    "select",
    "use_context",
]
