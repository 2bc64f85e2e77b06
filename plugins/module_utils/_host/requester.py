# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who runs an operation, for its record.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import pwd
import socket


def requested(by: str) -> dict[str, str]:
    """Who ran an operation, and on which host, for the ledger. by: the name that was given, if any."""
    return {"requested_by": by or os.environ.get("SUDO_USER") or _user_name(), "host": socket.gethostname()}


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
