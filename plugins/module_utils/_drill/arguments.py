# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a restore drill.

This module util is private to the collection.
"""

from __future__ import annotations

from typing import Any

_QUERY: dict[str, Any] = {
    "query": {"type": "str", "required": True},
    "database": {"type": "str", "default": "postgres"},
    "server": {"type": "str"},
    "expect": {"type": "raw"},
}

DRILL_ARGUMENTS: dict[str, Any] = {
    "servers": {"type": "list", "elements": "str"},
    "backup": {"type": "str", "default": "newest"},
    "target_time": {"type": "str"},
    "target_xid": {"type": "str"},
    "target_lsn": {"type": "str"},
    "target_name": {"type": "str"},
    "target_immediate": {"type": "bool", "default": False},
    "target_timeline": {"type": "str", "default": "latest"},
    "directory": {"type": "path"},
    "queries": {"type": "list", "elements": "dict", "default": [], "options": _QUERY},
    "database_user": {"type": "str", "default": "postgres"},
    "bin_directory": {"type": "path"},
    "jobs": {"type": "int"},
    "bandwidth_limit": {"type": "int"},
    "priority": {"type": "str", "choices": ["idle", "normal"], "default": "idle"},
    "verify_backup": {"type": "bool", "default": True},
    "amcheck": {"type": "bool", "default": True},
    "checksums": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 3600},
    "requested_by": {"type": "str"},
    "wait": {"type": "int", "default": 0},
    "remote_host": {"type": "str"},
    "remote_user": {"type": "str", "default": "postgres"},
    "remote_port": {"type": "int"},
}
