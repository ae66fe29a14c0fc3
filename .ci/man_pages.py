"""A build hook of hatch: makes the man pages from the command tree and puts them into the wheel."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        import typer

        from orchctl.cli.app import app
        from orchctl.manual.man import pages
        from orchctl.manual.tree import entries

        self.folder = tempfile.TemporaryDirectory()
        for name, text in pages(entries(typer.main.get_group(app))):
            path = Path(self.folder.name, name)
            path.write_text(text, encoding="utf-8", newline="\n")
            build_data["shared_data"][str(path)] = f"share/man/man1/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self.folder.cleanup()
