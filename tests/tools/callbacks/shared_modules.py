# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let all runs of Ansible below one `make molecule` share the modules that they packed for sending.

Ansible packs a module with all that it imports once a run, which takes up to half a second each. A scenario has some twenty runs.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

try:
    # Its lock is a file beside the packed module, so that it holds between runs, too.
    from ansible._internal._locking import named_mutex
except ImportError:
    named_mutex = None

DOCUMENTATION = """
name: shared_modules
type: aggregate
short_description: Share packed modules between runs
description:
  - Puts the directory of packed modules below the directory that E(PGDR_SHARED_MODULES) names.
"""


def directory(shared: str) -> Path:
    """Where the packed modules are, for this ansible-core and these collections."""
    key = "\n".join((__version__, *(os.path.realpath(path) for path in C.COLLECTIONS_PATHS)))
    return Path(shared) / hashlib.sha256(key.encode()).hexdigest()[:12]


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "shared_modules"

    def __init__(self) -> None:
        super().__init__()
        shared = os.environ.get("PGDR_SHARED_MODULES")
        own = Path(C.DEFAULT_LOCAL_TMP) / "ansiballz_cache"
        if shared and named_mutex is not None and not own.exists():
            target = directory(shared)
            target.mkdir(parents=True, exist_ok=True)
            own.symlink_to(target, target_is_directory=True)
