"""What these tests need of the machine."""

from __future__ import annotations

import sys

# Pseudo terminals and most signals are POSIX.
collect_ignore = ["test_terminal.py", "test_ctrl_c.py"] if sys.platform == "win32" else []
