# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of a recovery.

This module util is private to the collection.
"""

from __future__ import annotations

from typing import Any

from .._barman.arguments import barman_argument_spec

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "server": {"type": "str", "required": True},
    "backup_id": {"type": "str", "default": "auto"},
    "destination": {"type": "path", "required": True},
    "remote_host": {"type": "str"},
    "remote_user": {"type": "str", "default": "postgres"},
    "remote_port": {"type": "int"},
    "ssh_options": {"type": "list", "elements": "str", "default": []},
    "target_time": {"type": "str"},
    "target_xid": {"type": "str"},
    "target_lsn": {"type": "str"},
    "target_name": {"type": "str"},
    "target_immediate": {"type": "bool", "default": False},
    "target_inclusive": {"type": "bool", "default": True},
    "target_timeline": {"type": "str", "default": "latest"},
    "target_action": {"type": "str", "choices": ["promote", "pause", "shutdown"], "default": "promote"},
    "standby_mode": {"type": "bool", "default": False},
    "existing": {"type": "str", "choices": ["refuse", "move_aside"], "default": "refuse"},
    "aside_suffix": {"type": "str"},
    "inspect": {"type": "bool", "default": True},
    "requirements": {"type": "bool", "default": False},
    "tablespaces": {"type": "dict", "default": {}},
    "tablespace_directory": {"type": "path"},
    "wal_directory": {"type": "path"},
    "root_creates_directories": {"type": "bool", "default": False},
    "jobs": {"type": "int"},
    "bandwidth_limit": {"type": "int"},
    "network_compression": {"type": "bool"},
    "staging_path": {"type": "path"},
    "staging_location": {"type": "str", "choices": ["local", "remote"]},
    "snapshot_instance": {"type": "str"},
    "aws_region": {"type": "str"},
    "azure_resource_group": {"type": "str"},
    "gcp_zone": {"type": "str"},
    "verify_backup": {"type": "bool", "default": True},
    "verify_wal": {"type": "bool", "default": True},
    "verified": {"type": "dict", "default": {}},
}
