# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of Debian's packages for the tests, unpacked in .cache and not installed: Graphviz, Chromium without a window, promtool, lz4 and zstd.

A package's dependencies that the machine has are not fetched. Nothing here needs root.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.stage import CACHE

TOOLS = CACHE / "tools"
_LISTED = re.compile(r"^'(?P<address>[^']+)' (?P<file>\S+_(?:all|[a-z0-9]+)\.deb) \d+", re.MULTILINE)
_LISTS = TOOLS / "apt"
_WRAPPER = """#!/bin/sh
export LD_LIBRARY_PATH={libraries} GVBINDIR={root}/usr/lib/{machine}/graphviz
# The fonts of the packages are a user's own fonts, so the configuration of the machine finds them, if it has one.
export XDG_DATA_HOME={root}/usr/share
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH={root}/etc/fonts
exec {program} "$@"
"""


@dataclass(frozen=True)
class DebianProgram:
    """name: in PATH. packages: that have it and what it needs beside their own dependencies. path: of the program in them.

    alone: whether it needs none of these dependencies.
    """

    name: str
    packages: tuple[str, ...]
    path: str
    alone: bool = False


# Without a font, texts have no width. The program dot is a link into libgvc6.
DOT = DebianProgram("dot", ("graphviz", "libgvc6", "fonts-dejavu-core"), "usr/bin/dot")
CHROMIUM = DebianProgram(
    "chromium-headless-shell",
    ("chromium-headless-shell", "fonts-dejavu-core"),
    "usr/lib/chromium/chromium-headless-shell",
)
# It is linked statically, and the package depends on Prometheus's pages.
PROMTOOL = DebianProgram("promtool", ("prometheus",), "usr/bin/promtool", alone=True)
LZ4 = DebianProgram("lz4", ("lz4",), "usr/bin/lz4")
ZSTD = DebianProgram("zstd", ("zstd",), "usr/bin/zstd")


def program(debian: DebianProgram) -> Path:
    """The program in PATH, or that of Debian's package. Raises RuntimeError on a machine that neither has it nor can fetch it."""
    found = shutil.which(debian.name)
    if found is not None:
        return Path(found)
    return fetched(debian)


def path_with(path: str, *programs: DebianProgram) -> str:
    """A value of PATH, and at its end the directories of these programs that are not in it. Raises RuntimeError."""
    folders = [str(program(one).parent) for one in programs]
    return os.pathsep.join([path, *(folder for folder in folders if folder not in path.split(os.pathsep))])


def fetched(debian: DebianProgram) -> Path:
    """The program of Debian's package. Raises RuntimeError if it can't be fetched."""
    target = TOOLS / debian.name
    wrapper = target / "bin" / debian.name
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f"{debian.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrapper.exists():
            if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
                raise RuntimeError(f"{debian.name} is not installed, and this is no Debian that could fetch it")
            _fetch(debian, target)
    return wrapper


def _fetch(debian: DebianProgram, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
        root = Path(scratch) / debian.name
        packages = Path(scratch) / "packages"
        packages.mkdir()
        options = _options_with_lists(debian.packages)
        listed = [match["file"].split("_")[0] for match in _LISTED.finditer(_needed(debian.packages, options))]
        names = debian.packages if debian.alone else listed
        _run(["apt-get", "-q", *options, "download", *names], packages)
        for package in packages.glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(root)], packages)
        root.rename(target)
    machine = sysconfig.get_config_var("MULTIARCH")
    folders = [target / "usr" / "lib" / machine, target / "lib" / machine]
    folders += [folder for folder in (target / "usr" / "lib" / machine).glob("*") if folder.name == "pulseaudio"]
    text = _WRAPPER.format(
        root=target, machine=machine, libraries=":".join(map(str, folders)), program=target / debian.path
    )
    wrapper = target / "bin" / debian.name
    wrapper.parent.mkdir(exist_ok=True)
    scratch_file = wrapper.with_suffix(".new")
    scratch_file.write_text(text, encoding="utf-8")
    scratch_file.chmod(0o755)
    if debian is DOT:
        # What the package does when it is installed: the list of its plugins.
        _run([str(scratch_file), "-c"], target)
    scratch_file.rename(wrapper)


def _options_with_lists(packages: Sequence[str]) -> list[str]:
    """apt's options: its own lists of packages, or lists in .cache if the machine has none of them."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (_LISTS / folder).mkdir(parents=True, exist_ok=True)
    # What apt has in its own cache would not be listed.
    options = ["-o", "Debug::NoLocking=1", "-o", f"Dir::Cache={_LISTS}/cache"]
    if _LISTED.search(_needed(packages, options)):
        return options
    options += ["-o", f"Dir::State::Lists={_LISTS}/lists"]
    _run(["apt-get", "-qq", *options, "update"], _LISTS)
    if not _LISTED.search(_needed(packages, options)):
        raise RuntimeError(f"apt finds no package {' or '.join(packages)}")
    return options


def _needed(packages: Sequence[str], options: Sequence[str]) -> str:
    """The packages that apt would download, a line each. Packages that are installed are among them, their dependencies are not."""
    command = ["apt-get", "-qq", "--print-uris", "-y", "--no-install-recommends", "--reinstall", *options, "install"]
    return subprocess.run(
        [*command, *packages], env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
    ).stdout


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
