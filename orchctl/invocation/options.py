"""The options that many commands share."""

from __future__ import annotations


class Options:
    """What the options shared by many commands were set to; ``None`` is "not given".

    No dataclass: making one would be a tenth of the time that --help takes.
    """

    context: str | None = None
    folder: str | None = None
    config: str | None = None
    no_input: bool | None = None
    request_timeout: str | None = None
    retry_timeout: str | None = None
    debug: bool | None = None
    debug_file: str | None = None
    insecure: bool | None = None
    output: str | None = None
    query: str | None = None
    fields: str | None = None
    sort_by: str | None = None
    no_headers: bool | None = None
    time: str | None = None
    watch: bool | None = None
    interval: str | None = None
    dry_run: bool | None = None
    yes: bool | None = None
    confirm: str | None = None
    parallel: int | None = None
    rate: str | None = None
    on_error: str | None = None
    max_errors: int | None = None
    ordered: bool | None = None
    resume: str | None = None
    retry_rejected: bool | None = None
    retry_unknown: bool | None = None
    progress: str | None = None
