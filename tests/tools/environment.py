# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the development environment: .venv with pinned tools, .cache/collections with pinned collections.

Needs Python 3.11 or newer and nothing else, because it runs before anything is installed.

    environment.py run     what the lab and the quickstart need
    environment.py dev     that, and everything that the checks need
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = REPOSITORY / "requirements"
VENV = REPOSITORY / ".venv"
CACHE = REPOSITORY / ".cache"
COLLECTIONS_ROOT = CACHE / "collections"

DEPENDENCIES = ("community.crypto", "community.postgresql")
"""What galaxy.yml depends on; a test keeps the two equal."""

INSTALLED_COLLECTIONS = ("ansible.posix", "awx.awx", *DEPENDENCIES)
"""What the tests need: a callback of ansible.posix for a play's result as JSON, and the modules of awx.awx for the templates of controller/."""

MINIMUM_PYTHON = (3, 11)


def log(message: str) -> None:
    print(f"venv: {message}", flush=True)


def fail(message: str) -> None:
    raise SystemExit(f"venv: {message}")


@contextmanager
def alone() -> Iterator[None]:
    """One at a time: two jobs started together must not install into each other's feet."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    return stamp.is_file() and stamp.read_text() == value


def works(python: Path) -> bool:
    if not python.exists():
        return False
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def ensure_venv_module() -> None:
    """Debian packs the venv module apart from Python."""
    if (
        subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode
        == 0
    ):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        fail(f"{sys.executable} has no venv module: install the package python3-venv.")
    log("installing Debian's python3-venv")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", "update"], check=True, env=env)
    subprocess.run(
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", "python3-venv"], check=True, env=env
    )


def make_venv() -> None:
    if works(VENV / "bin" / "python"):
        return
    ensure_venv_module()
    log(f"making .venv with {sys.executable} {sys.version.split()[0]}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def pip(*arguments: str | Path) -> None:
    subprocess.run([VENV / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check", *arguments], check=True)


def install(what: str) -> None:
    requirements = REQUIREMENTS / f"{what}.txt"
    stamp = VENV / f".{what}.stamp"
    current = fingerprint(requirements)
    if is_stamped(stamp, current):
        return
    count = len(re.findall(r"^\w.*==", requirements.read_text(), flags=re.MULTILINE))
    log(f"installing {count} Python packages ({requirements.relative_to(REPOSITORY)})")
    pip("install", "--requirement", requirements)
    stamp.write_text(current)


def extract_collections(
    what: str = "collections", root: Path = COLLECTIONS_ROOT, names: Iterable[str] = INSTALLED_COLLECTIONS
) -> None:
    """Take these collections from the wheel of the Python package `ansible` in requirements/WHAT.txt."""
    requirements = REQUIREMENTS / f"{what}.txt"
    stamp = root / ".stamp"
    current = fingerprint(requirements, Path(__file__))
    if is_stamped(stamp, current):
        return
    prefixes = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in names)
    log(f"extracting the collections {', '.join(names)}")
    stamp.unlink(missing_ok=True)
    for name in names:
        shutil.rmtree(root / "ansible_collections" / name.replace(".", "/"), ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as download:
        pip("download", "--no-deps", "--requirement", requirements, "--dest", download)
        (wheel,) = Path(download).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root, [name for name in archive.namelist() if name.startswith(prefixes)])
    link_ourselves(root)
    stamp.write_text(current)


def link_ourselves(root: Path = COLLECTIONS_ROOT) -> None:
    """Let Ansible find the work tree as pgdr.barman."""
    link = root / "ansible_collections" / "pgdr" / "barman"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(os.path.relpath(REPOSITORY, link.parent))


def main(arguments: list[str]) -> None:
    if sys.version_info < MINIMUM_PYTHON:
        fail(f"Python {sys.version.split()[0]} is too old: run make with PYTHON=python3.11 or newer.")
    if arguments not in (["run"], ["dev"]):
        fail("usage: environment.py run|dev")
    with alone():
        make_venv()
        install("run")
        extract_collections()
        link_ourselves()
        if arguments == ["dev"]:
            install("dev")


if __name__ == "__main__":
    main(sys.argv[1:])
