"""What is shipped: source and wheel build without a network, and a newcomer's tour works on what was installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchctl import __version__
from tests.generated import TOP
from tests.readme import TOUR


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution of the checkout, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder), cwd=TOP)
    (source,) = folder.glob("*.tar.gz")
    words = ("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-q", "-w", str(folder), str(source))
    run(sys.executable, "-m", "pip", *words)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel; what it depends on is taken from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, symlinks=os.name != "nt")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = dist.glob("*.whl")
    python = str(scripts / "python")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        "-q",
        str(wheel),
    )
    (packages,) = folder.glob("**/site-packages")
    # A name that sorts behind the package's own files: of two orchctl the installed one is found first.
    (packages / "zz_dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def run(*argv: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    result = subprocess.run(argv, check=False, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, f"{argv}\n{result.stdout}{result.stderr}"
    return result.stdout


def test_the_source_holds_what_is_needed_to_build_and_to_test(dist: Path) -> None:
    (source,) = dist.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        "README.md",
        "pyproject.toml",
        "config.example.yaml",
        "completions/_orchctl",
        ".ci/man_pages.py",
    ):
        assert name in names
    assert "tests/conftest.py" in names


def test_the_wheel_holds_the_package_completions_and_man_pages_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"orchctl-{__version__}.dist-info/METADATA").decode()
    shared = f"orchctl-{__version__}.data/data/share/"
    for name in (
        "man/man1/orchctl.1",
        "man/man1/orchctl-task.1",
        "bash-completion/completions/orchctl",
        "zsh/site-functions/_orchctl",
        "fish/vendor_completions.d/orchctl.fish",
    ):
        assert shared + name in names
    others = {name for name in names if not name.startswith(("orchctl/", "orchctl-"))}
    assert others == set()
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]
    assert "orchctl/py.typed" in names
    assert "Requires-Python: >=3.11" in metadata


def test_a_newcomers_tour_works_line_by_line_in_a_fresh_venv(installed: Path, tmp_path: Path) -> None:
    """The lines of the README, each in a shell of its own, as the text says to run them."""
    lines = re.findall(r"^\$ (.*)$", (TOP / "README.md").read_text(encoding="utf-8"), re.M)
    codes = {line.partition(" #!")[0]: int(line.partition(" #!")[2] or 0) for line in TOUR}
    assert lines == list(codes)
    scripts = installed / ("Scripts" if os.name == "nt" else "bin")
    env = {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        **{f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")},
    }
    where = run(
        str(scripts / "python"), "-c", "import orchctl; print(orchctl.__file__)", env=env, cwd=tmp_path
    )
    assert where.startswith(str(installed))
    for line in lines:
        result = subprocess.run(
            line, check=False, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
        )
        assert result.returncode == codes[line], f"{line}\n{result.stdout}{result.stderr}"
        assert bool(result.stdout) == (codes[line] == 0), line


def test_man_pages_are_set_without_a_warning(installed: Path, tmp_path: Path) -> None:
    folder = installed / "share" / "man" / "man1"
    groff = shutil.which("groff")
    assert groff, "groff is not installed; .ci/run installs it: apt-get install groff-base"
    for page in sorted(folder.glob("*.1")):
        result = subprocess.run(
            [groff, "-man", "-Tutf8", "-ww", "-rLL=80n", "-P-cbou", str(page)],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (result.returncode, result.stderr) == (0, ""), page.name
        assert "NAME" in result.stdout
    text = run(groff, "-man", "-Tutf8", "-rLL=80n", "-P-cbou", str(folder / "orchctl-task.1"))
    assert "orchctl task create -q Invoices --name INV-1 -p currency=EUR -P amount=12.5" in text
    assert max(len(line) for line in text.splitlines() if "orchctl " not in line) <= 80
