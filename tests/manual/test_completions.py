"""TAB in the real shells: what is offered, with names out of this machine's memory and none of a server."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchctl.manual.install import FILES
from tests.generated import TOP

COMPLETIONS = TOP / "completions"

# What is typed, and all that is offered for its last word.
CASES = {
    "orchctl ta": ["task"],
    "orchctl task cr": ["create"],
    "orchctl -c sandbox task ta": ["tag"],
    "orchctl --context=sandbox task tag ": ["add", "remove"],
    "orchctl task create --prio": ["--priority"],
    "orchctl task create --priority ": ["high", "low", "normal"],
    "orchctl task create -q Invoices --priority h": ["high"],
    "orchctl task create --name queue -q Inv": ["Invoices"],
    "orchctl queue get Invoices Re": ["Refunds"],
    "orchctl task finish INV-1 --status fa": ["failed", "failed-business"],
    "orchctl -c ": ["other", "sandbox"],
    "orchctl queue get -c other ": ["Bills"],
    "orchctl context use sa": ["sandbox"],
    "orchctl schema log-": ["log-entry"],
    "orchctl help env": ["environment"],
    "orchctl task list --sort-by creat": ["created_at"],
    "orchctl queue create --name ": [],
}


@pytest.fixture(scope="module")
def shell_env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """A home with two contexts whose queues have been seen, and the program on the path."""
    home = tmp_path_factory.mktemp("home")
    program = home / "bin" / "orchctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m orchctl "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    env = {
        "HOME": str(home),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(TOP),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        **{f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
    }
    config = home / "config" / "orchctl" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "current-context: sandbox\ncontexts:\n"
        f"  sandbox: {{dialect: sherpa, url: 'sandbox:{home}/one.db'}}\n"
        f"  other: {{dialect: sherpa, url: 'sandbox:{home}/two.db'}}\n",
        encoding="utf-8",
    )
    for context, queue in (("sandbox", "Invoices"), ("sandbox", "Refunds"), ("other", "Bills")):
        subprocess.run(
            [program, "-c", context, "queue", "create", "--name", queue],
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return env


def need(shell: str) -> str:
    found = shutil.which(shell)
    assert found, f"{shell} is not installed; .ci/run installs it: apt-get install {shell}"
    return found


def run(argv: list[str], script: str, env: Mapping[str, str], cwd: Path) -> list[list[str]]:
    """What a script that prints the offers for each case on lines of their own, and then a dot, printed."""
    result = subprocess.run(
        [*argv, script], env=env, cwd=cwd, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stderr == ""
    return [sorted(part.split("\n")[:-1]) for part in result.stdout.split(".\n")[:-1]]


def test_bash(shell_env: Mapping[str, str], tmp_path: Path) -> None:
    lines = [f". {shlex.quote(str(COMPLETIONS / FILES['bash']))}"]
    for typed in CASES:
        words = typed.replace("=", " = ").split(" ")
        lines += [
            f"COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; _orchctl",
            'for each in "${COMPREPLY[@]}"; do echo "$each"; done; echo .',
        ]
    offered = run([need("bash"), "--norc", "-c"], "\n".join(lines), shell_env, tmp_path)
    assert dict(zip(CASES, offered, strict=True)) == CASES


def test_bash_quotes_what_it_inserts_and_completes_files(
    shell_env: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "in voice.json").touch()
    env = {**shell_env, "XDG_STATE_HOME": str(tmp_path / "state")}
    subprocess.run(
        ["orchctl", "queue", "create", "--name", "Late payments"],
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    script = f"""
    . {shlex.quote(str(COMPLETIONS / FILES["bash"]))}
    try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orchctl; printf '%s\\n' "${{COMPREPLY[@]}}" .; }}
    try orchctl queue get La
    try orchctl queue get '"La'
    try orchctl task create --data in
    try orchctl sandbox serve --db = in
    """
    offered = run([need("bash"), "--norc", "-c"], script, env, tmp_path)
    assert offered == [["Late\\ payments"], ["Late payments"], ["in voice.json"], ["in voice.json"]]


def test_fish(shell_env: Mapping[str, str], tmp_path: Path) -> None:
    lines = [f"source {shlex.quote(str(COMPLETIONS / FILES['fish']))}"]
    for typed in CASES:
        lines += [f"complete -C {shlex.quote(typed)} | string replace -r '\\t.*' ''", "echo ."]
    offered = run([need("fish"), "--no-config", "-c"], "\n".join(lines), shell_env, tmp_path)
    assert dict(zip(CASES, offered, strict=True)) == CASES


class Zsh:
    """An interactive zsh on a terminal of its own, which writes down what its line is after TAB."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self.heard = folder / "heard"
        setup = folder / ".zshrc"
        setup.write_text(
            f"fpath=({COMPLETIONS} $fpath)\n"
            "autoload -Uz compinit && compinit -u -D\n"
            "zstyle ':completion:*' menu no\nsetopt no_beep no_auto_menu no_always_last_prompt\n"
            "note-line() { zle complete-word; print -r -- \"$BUFFER\" >> $HEARD; BUFFER=''; }\n"
            "zle -N note-line\nbindkey '^I' note-line\nPS1='ready> '\n",
            encoding="utf-8",
        )
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execve(need("zsh"), ["zsh", "-i"], {**env, "ZDOTDIR": str(folder), "HEARD": str(self.heard)})
        self.pid = pid
        self.wait_for(b"ready> ")

    def wait_for(self, text: bytes) -> None:
        seen, limit = b"", time.monotonic() + 20
        while text not in seen:
            assert time.monotonic() < limit, seen
            if select.select([self.terminal], [], [], 0.2)[0]:
                seen += os.read(self.terminal, 65536)

    def tab(self, typed: str) -> str:
        """The line after TAB."""
        before = self.heard.read_text(encoding="utf-8") if self.heard.exists() else ""
        os.write(self.terminal, typed.encode() + b"\t")
        limit = time.monotonic() + 20
        while True:
            assert time.monotonic() < limit, typed
            if select.select([self.terminal], [], [], 0.02)[0]:
                os.read(self.terminal, 65536)
            now = self.heard.read_text(encoding="utf-8") if self.heard.exists() else ""
            if now.count("\n") > before.count("\n"):
                return now[len(before) :].rstrip("\n")

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def zsh(shell_env: Mapping[str, str], tmp_path: Path) -> Iterator[Zsh]:
    shell = Zsh(shell_env, tmp_path)
    yield shell
    shell.close()


def test_zsh(zsh: Zsh, tmp_path: Path) -> None:
    (tmp_path / "in voice.json").touch()
    for typed, offered in CASES.items():
        start = typed.rpartition(" ")[0]
        common = os.path.commonprefix(offered)  # noqa: RUF071  # of words, letter by letter
        end = f"{common} " if len(offered) == 1 else common or typed.rpartition(" ")[2]
        assert zsh.tab(typed) == f"{start} {end}", typed
    assert zsh.tab("orchctl task create --data in") == "orchctl task create --data in\\ voice.json "
    assert zsh.tab("orchctl task create --priority=h") == "orchctl task create --priority=high "


def test_the_powershell_table_holds_the_same(orchctl: Any) -> None:
    """No PowerShell is to be had here; its block has been read, its table is compared with that of bash."""
    text = (COMPLETIONS / FILES["powershell"]).read_text(encoding="utf-8")
    bash = (COMPLETIONS / FILES["bash"]).read_text(encoding="utf-8")
    for line in bash.splitlines():
        word = line.strip().removesuffix(")")
        if line.startswith("    '") and word.startswith("'"):
            assert f"    {word} = @{{" in text
    assert text.count("{") == text.count("}")
    assert text.count("(") == text.count(")")


def test_names_are_never_asked_of_a_server(orchctl: Any, home: Any) -> None:
    env = {"ORCHCTL_URL": "http://192.0.2.1:9", "ORCHCTL_DIALECT": "sherpa"}
    begun = time.monotonic()
    result = orchctl("completion", "names", "queue", "--", "task", env={**env, "ORCHCTL_ALLOW_HTTP": "1"})
    assert (result.code, result.out, result.err) == (0, "", "")
    assert time.monotonic() - begun < 5


def test_names_of_a_broken_config_are_none_and_say_nothing(orchctl: Any, home: Any) -> None:
    home.config.parent.mkdir(parents=True)
    home.config.write_text("contexts: [", encoding="utf-8")
    for kind in ("context", "queue"):
        result = orchctl("completion", "names", kind)
        assert (result.code, result.out, result.err) == (0, "", "")


def test_install_writes_where_the_shell_looks(orchctl: Any, home: Any) -> None:
    places = {
        "bash": "data/bash-completion/completions/orchctl",
        "zsh": "data/zsh/site-functions/_orchctl",
        "fish": "config/fish/completions/orchctl.fish",
        "powershell": "data/orchctl/orchctl.ps1",
    }
    for shell, place in places.items():
        env = {"SHELL": f"/usr/bin/{shell}"}
        rehearsed = orchctl("completion", "install", "--dry-run", env=env)
        assert (rehearsed.code, (home.path / place).exists()) == (0, False)
        result = orchctl("completion", "install", "-o", "json", env=env)
        assert (result.code, result.json) == (0, {"shell": shell, "path": str(home.path / place)})
        written = (home.path / place).read_bytes().decode()
        assert written == (COMPLETIONS / FILES[shell]).read_bytes().decode()
        assert result.err.startswith("note: ")
    assert orchctl("completion", "install", env={"SHELL": "/bin/tcsh"}).code == 2
    assert orchctl("completion", "show", "zhs").err == (
        "orchctl: there is no completion for 'zhs'\nhint: did you mean zsh?\n"
    )
