# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A digest of the code that runs on backup servers without Ansible: a host that has another one gets it again.

Private to the collection.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_CODE = Path(__file__).parent.parent / "module_utils"
# Enough to distinguish two releases, and short enough for a path.
_DIGITS = 16


@cache
def program_identity(code: Path = _CODE) -> str:
    """The digest of all files of module_utils. It may change without need, and never fails to change."""
    digest = hashlib.sha256()
    for path in sorted(code.rglob("*.py")):
        digest.update(f"{path.relative_to(code)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_DIGITS]
