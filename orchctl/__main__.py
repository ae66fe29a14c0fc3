"""``python -m orchctl`` and the ``orchctl`` script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program and exit with its code. Two things are answered before anything is imported."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        from orchctl import __version__

        try:
            sys.stdout.write(f"orchctl {__version__}\n")
            sys.stdout.flush()
            return
        except OSError:
            pass  # told with the right exit code by the long way
    if sys.argv[1:3] == ["completion", "names"] and sys.argv[4:5] == ["--"]:  # somebody presses TAB
        _print_names()
        return
    from orchctl.cli.app import main as run

    sys.exit(run(sys.argv[1:]))


def _print_names() -> None:
    import os
    from contextlib import suppress

    from orchctl.manual.names import lines

    with suppress(OSError):
        sys.stdout.buffer.writelines(
            f"{name}\n".encode() for name in lines(sys.argv[3], sys.argv[5:], os.environ)
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
