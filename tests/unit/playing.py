# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running ansible-playbook, and reading what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.tools.stage import environment


def play(directory: Path, *arguments: str, rc: int = 0, **variables: str) -> str:
    """What ansible-playbook with these arguments prints in that directory. variables: of its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *arguments],
        cwd=directory,
        env=environment(ANSIBLE_NOCOLOR="true", **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == rc, done.stdout + done.stderr
    return done.stdout
