# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus's promtool for the tests of the alert rules: the one in PATH, or that of Debian's package, which is unpacked and not installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.tools.stage import CACHE

PROMTOOL = CACHE / "tools" / "promtool"


def promtool() -> Path | None:
    """The program; None on a machine that neither has it nor can fetch it from Debian."""
    found = shutil.which("promtool")
    if found is not None:
        return Path(found)
    if not PROMTOOL.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        _fetch()
    return PROMTOOL if PROMTOOL.exists() else None


def _fetch() -> None:
    PROMTOOL.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROMTOOL.parent) as scratch:
        fetched = subprocess.run(
            ["apt-get", "-q", "download", "prometheus"], cwd=scratch, capture_output=True, check=False
        )
        packages = list(Path(scratch).glob("*.deb"))
        if fetched.returncode or not packages:
            return
        subprocess.run(["dpkg-deb", "-x", str(packages[0]), scratch], check=True, capture_output=True)
        # Another run may do the same at the same time.
        (Path(scratch) / "usr" / "bin" / "promtool").rename(PROMTOOL)
