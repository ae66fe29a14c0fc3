"""What ``orchctl help TOPIC`` tells: exit codes, environment, output. The README and man pages are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchctl.errors import UsageFault
from orchctl.guess import did_you_mean

EXIT_CODES: Mapping[str, str] = {
    "0": "done (diff: nothing differs)",
    "1": "any other error (diff: something differs)",
    "2": "usage; or an answer was needed and there is no terminal",
    "3": "not authenticated or not allowed (401, 403, no credential)",
    "4": "not found",
    "5": "refused by a rule of the server (409, 412, 422)",
    "6": "the server is unavailable, after retries (5xx, 429)",
    "7": "network or TLS; surely nothing was executed",
    "8": "a wait timed out; what was waited for still runs",
    "9": "what was waited for failed or was cancelled",
    "10": "some targets or rows failed, others did not",
    "11": "the outcome is unknown: the write may have happened",
    "12": "a local file, the configuration, a lock, the disk, stdout",
    "13": "declined at a prompt",
    "14": "this orchestrator cannot do that; said before any request",
    "129, 130, 141, 143": "SIGHUP, Ctrl-C, closed pipe, SIGTERM",
}

VARIABLES: Mapping[str, str] = {
    "ORCHCTL_CONTEXT": "which context to talk to (-c)",
    "ORCHCTL_CONFIG": "the configuration file (--config)",
    "ORCHCTL_URL, ORCHCTL_DIALECT": "a context without a file; wins over current-context",
    "ORCHCTL_TOKEN": "the credential: API key or robot GUID, system UUID, bearer token",
    "ORCHCTL_CLIENT_SECRET": "the secret of a context with auth: client-credentials",
    "ORCHCTL_PASSWORD": "the password of a context with auth: password",
    "ORCHCTL_OUTPUT": "the output format (-o)",
    "ORCHCTL_NO_INPUT": "1: never prompt (--no-input)",
    "ORCHCTL_REQUEST_TIMEOUT": "deadline of one HTTP request (--request-timeout)",
    "ORCHCTL_RETRY_TIMEOUT": "deadline of a request with its retries (--retry-timeout)",
    "ORCHCTL_DEBUG": "1: trace HTTP on stderr (--debug); a path: into that file",
    "ORCHCTL_PARAMETERS, ORCHCTL_STOP_FILE": "set for what orchctl robot run starts, not read",
    "ORCHCTL_TASK, ORCHCTL_QUEUE, ORCHCTL_RUN": "the same",
    "NO_COLOR, FORCE_COLOR, TERM=dumb": "colours, as their specifications say",
    "XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME": "where files are kept, on every platform",
}

FORMATS: Mapping[str, str] = {
    "table": "for people; in a pipe the same rows, tab-separated, never cut",
    "wide": "a table with more columns",
    "json": "a list is an array, one object an object",
    "jsonl": "a line for each row, while pages are still coming",
    "yaml": "the same as json, in YAML",
    "csv": "with a header line; cells a spreadsheet would run are quoted with '",
    "tsv": "tab-separated, with a header line",
    "name": "only the id that other commands take",
}

TOPICS: Mapping[str, str] = {
    "exit-codes": "What a script can conclude from the exit code.",
    "environment": "The variables that orchctl reads.",
    "output": "Formats, fields, queries, times.",
}


def text(topic: str) -> str:
    return {"exit-codes": _exit_codes, "environment": _environment, "output": _output}[topic]().rstrip("\n")


def find(words: Sequence[str], *, nouns: Iterable[str]) -> str | None:
    """A topic's text; ``None`` where the words are for the command tree.

    :raises UsageFault: they are neither.
    """
    if not words:
        return None
    word = words[0]
    if len(words) == 1 and word in TOPICS:
        return text(word)
    if word in nouns:
        return None
    hint = did_you_mean(word, [*TOPICS, *nouns])
    raise UsageFault(f"there is no help on {word!r}", hint=hint or f"topics: {', '.join(TOPICS)}")


def context_variables() -> list[str]:
    """A context that comes from the environment takes each of its keys from a variable."""
    from orchctl.config.rules import CONTEXT_RULES, field_name

    return [f"ORCHCTL_{field_name(key).upper()}" for key in CONTEXT_RULES if key not in ("url", "dialect")]


def _exit_codes() -> str:
    return (
        "Exit codes\n\n"
        + _table(EXIT_CODES)
        + "\nA write is never repeated where it could happen twice. Where its answer was\n"
        "lost the code is 11, and the message says how to find out. With -o json the\n"
        'one object on stderr repeats it: {"error": {"exit_code": 11, ...}}.\n'
    )


def _environment() -> str:
    return (
        "Environment\n\n"
        + _table(VARIABLES)
        + "\nAn option wins over the environment, the environment over the file, the file\n"
        "over the default. With ORCHCTL_URL and ORCHCTL_DIALECT no file is needed; the\n"
        "other keys of a context can then be given as\n\n" + _filled(context_variables()) + "\n"
    )


def _output() -> str:
    return (
        "Output\n\nstdout is the result, stderr is talk. -o FORMAT:\n\n"
        + _table(FORMATS)
        + "\n"
        + _table(
            {
                "--fields a,b.c": "only these fields, in this order; may reach into payload, native",
                "--query JMESPATH": "pick from the whole result: [?status=='new'].id",
                "--sort-by FIELD": "-FIELD sorts downwards",
                "--no-headers": "without the header line",
                "--time STYLE": "in tables: local, utc or relative; elsewhere RFC 3339 in UTC",
            }
        )
        + "\nFields have the same names for all orchestrators; native holds the\n"
        "orchestrator's own object. orchctl schema TYPE prints the JSON Schema of each\n"
        "type. With -o json a failed command writes one object on stderr and no more:\n"
        '{"error": {"code", "exit_code", "message", "hint", "request_id", "notes"}}.\n'
    )


def _table(rows: Mapping[str, str], width: int = 80) -> str:
    import textwrap

    margin = min(26, 4 + max(map(len, rows)))
    lines: list[str] = []
    for name, meaning in rows.items():
        wrapped = textwrap.wrap(meaning, width - margin, break_on_hyphens=False)
        if len(name) + 4 > margin:
            lines.append(f"  {name}")
            lines += [" " * margin + line for line in wrapped]
        else:
            lines.append(f"  {name}".ljust(margin) + wrapped[0])
            lines += [" " * margin + line for line in wrapped[1:]]
    return "\n".join(lines) + "\n"


def _filled(words: list[str]) -> str:
    import textwrap

    return textwrap.fill(
        ", ".join(words), 78, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
