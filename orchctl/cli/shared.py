"""The options that commands of a kind share: not parameters of their functions, but of the invocation."""

from __future__ import annotations

from functools import cache
from typing import Any

from typer.core import TyperOption

from orchctl import __version__


def _option(
    *decls: str, help: str, flag: bool = False, kind: type = str, metavar: str | None = None
) -> TyperOption:
    return TyperOption(
        param_decls=list(decls),
        type=None if flag else kind,
        is_flag=flag or None,
        default=None,
        help=help,
        metavar=metavar,
        expose_value=True,
    )


def _show_version(ctx: Any, _: Any, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.obj.streams.write(f"orchctl {__version__}\n")
        ctx.exit()


@cache
def global_options() -> list[TyperOption]:
    return [
        _option("-c", "--context", help="Which context to talk to [env: ORCHCTL_CONTEXT].", metavar="NAME"),
        _option(
            "--folder",
            metavar="PATH|ID|KEY",
            help="The folder it is about, where the orchestrator has folders [env: ORCHCTL_FOLDER].",
        ),
        _option("--config", help="The config file [env: ORCHCTL_CONFIG].", metavar="FILE"),
        _option("--no-input", flag=True, help="Never prompt [env: ORCHCTL_NO_INPUT]."),
        _option(
            "--request-timeout",
            metavar="SECONDS",
            help="Deadline of one HTTP request: seconds, or 90s, 2m; 60 by default [env: ORCHCTL_REQUEST_TIMEOUT].",
        ),
        _option(
            "--retry-timeout",
            metavar="SECONDS",
            help="Deadline of a request with all its retries, 120 by default [env: ORCHCTL_RETRY_TIMEOUT].",
        ),
        _option("--insecure", flag=True, help="Do not verify the server's certificate; warns each time."),
        _option("--debug", flag=True, help="Trace HTTP on stderr, secrets redacted [env: ORCHCTL_DEBUG]."),
        _option("--debug-file", metavar="FILE", help="Trace HTTP into a file of mode 0600."),
        TyperOption(
            param_decls=["show_version", "--version"],
            is_flag=True,
            is_eager=True,
            callback=_show_version,
            help="Print the version and exit.",
        ),
    ]


@cache
def output_options() -> list[TyperOption]:
    return [
        _option(
            "-o",
            "--output",
            metavar="FORMAT",
            help="table, wide, json, jsonl, yaml, csv, tsv or name [env: ORCHCTL_OUTPUT].",
        ),
        _option("--query", metavar="JMESPATH", help="Pick from the result with a JMESPath expression."),
        _option("--fields", metavar="A,B", help="Only these fields, in this order."),
        _option("--sort-by", metavar="FIELD", help="Sort by a field; -FIELD sorts downwards."),
        _option("--no-headers", flag=True, help="Leave the header line out."),
        _option("--time", metavar="STYLE", help="Times in tables: local, utc or relative."),
    ]


@cache
def log_output_options() -> list[TyperOption]:
    text = _option(
        "-o",
        "--output",
        metavar="FORMAT",
        help="text, which is the default, raw (only the messages), json, jsonl, or what lists have "
        "[env: ORCHCTL_OUTPUT].",
    )
    return [text, *output_options()[1:]]


@cache
def watch_options() -> list[TyperOption]:
    return [
        _option(
            "--watch", flag=True, help="Look again and again, until q; into a pipe, what changes as JSONL."
        ),
        _option("--interval", metavar="TIME", help="With --watch: how often; 2s by default."),
    ]


@cache
def dry_run_option() -> TyperOption:
    """Every write has it, and before the noun it stands for whichever comes."""
    return _option("-n", "--dry-run", flag=True, help="Print the request instead of sending it.")


@cache
def write_options() -> list[TyperOption]:
    return [
        dry_run_option(),
        _option("-y", "--yes", flag=True, help="Do not ask; needed where there is no terminal."),
        _option("--confirm", metavar="NAME", help="Answers a protected context's question with its name."),
    ]


@cache
def many_options() -> list[TyperOption]:
    return [
        _option("--parallel", kind=int, metavar="N", help="So many at once; 8 unless configured otherwise."),
        _option("--rate", metavar="N/s", help="At most so many a second, or N/m: a minute."),
        _option("--on-error", metavar="stop|continue", help="What an error does to the rest; continue."),
        _option("--max-errors", kind=int, metavar="N", help="Stop after so many errors."),
        _option("--ordered", flag=True, help="Tell the results in the order of the input."),
        _option("--resume", metavar="RUN", help="Go on with a run that was cut off; needs nothing else."),
        _option("--retry-rejected", flag=True, help="With --resume: send what was refused once more."),
        _option(
            "--retry-unknown",
            flag=True,
            help="With --resume: send again even what may be there. It may then be there twice.",
        ),
        _option("--progress", metavar="SHAPE", help="On stderr: auto, bar, plain, json or none."),
    ]
