# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that may contain a secret: of hooks, of cron and of systemd.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re

from .._barman.masking import mask
from .._barman.option_table import HOOK_RUNNER

_HINTS = re.compile(
    r"token|secret|api[_-]?key|authorization|bearer|pass|https?://"
    # The name and the password of curl and others.
    r"|(?<!\S)(?:-\w*u\s*|--(?:proxy-)?user[\s=]\s*)[\"']?[^\s:]+:\S",
    re.IGNORECASE,
)
#: What this collection installs beside HOOK_RUNNER. It has its keys in a file.
_READY = "export"


def may_have_secret(command: str) -> bool:
    """Whether a command has more than a program's path, and that may be a secret."""
    if mask(command) != command:
        return True
    words = command.split()
    alone = len(words) == 1 and words[0].startswith("/")
    return not alone and not _is_ready(words) and _HINTS.search(command) is not None


def _is_ready(words: list[str]) -> bool:
    if not words or os.path.basename(words[0]) != HOOK_RUNNER or "--" not in words[:-1]:
        return False
    return words[words.index("--") + 1] == os.path.join(os.path.dirname(words[0]), _READY)
