"""``python -m orchctl`` and the ``orchctl`` script."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the program and exit with its code. Two things are answered before anything is imported."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        from orchctl import __version__

        with suppress(OSError):  # told with the right exit code by the long way
            _put(f"orchctl {__version__}\n")
            return
    if sys.argv[1:3] == ["completion", "names"] and sys.argv[4:5] == ["--"]:  # somebody presses TAB
        _print_names()
        return
    from orchctl.cli.app import main as run

    sys.exit(run(sys.argv[1:]))


def _print_names() -> None:
    from orchctl.manual.names import lines

    with suppress(OSError):
        _put("".join(f"{name}\n" for name in lines(sys.argv[3], sys.argv[5:], os.environ)))


def _put(text: str) -> None:
    """Past the buffer of ``sys.stdout``: what it could not write it would try once more, and fail, at the end."""
    rest = text.encode()
    while rest:
        rest = rest[os.write(1, rest) :]


if __name__ == "__main__":
    main()
