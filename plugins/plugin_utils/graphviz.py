# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Graphviz on the controller. This plugin util is private to the collection."""

from __future__ import annotations

import shutil
import subprocess

from ansible.errors import AnsibleActionFail

#: A layout of 300 servers takes a fraction of a second.
_TIMEOUT = 300
_MISSING = (
    "The program dot of Graphviz is not on the controller, so no picture can be drawn. Nothing was changed. Install it (Debian: apt install graphviz; "
    "Red Hat: dnf install graphviz), or use an execution environment that ansible-builder has made of the collection."
)


def require_graphviz() -> str:
    """The path of dot. Raises AnsibleActionFail if there is none."""
    found = shutil.which("dot")
    if found is None:
        raise AnsibleActionFail(_MISSING)
    return found


def rendered(source: str) -> str:
    """The drawing of a source in Graphviz's language, as SVG. Raises AnsibleActionFail."""
    program = require_graphviz()
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=source, capture_output=True, encoding="utf-8", timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AnsibleActionFail(f"{program} did not draw the picture: {error}. Nothing was changed.") from None
    if done.returncode:
        raise AnsibleActionFail(
            f"{program} did not draw the picture: {done.stderr.strip() or f'exit status {done.returncode}'}. Nothing was changed."
        )
    return done.stdout
