# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of the server under verification: none that other servers could notice, and what the WAL needs.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

from .observe import PreparedDirectory, recovery_targets
from .request import VerificationRequest
from .server_log import LOG_LINE_PREFIX

# Hot standby needs at least the values of the primary, which pg_control has.
_CONTROL_SETTINGS = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}
_ISOLATED = {
    "hot_standby": "on",
    "archive_mode": "off",
    "archive_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "archive_cleanup_command": "",
    "recovery_min_apply_delay": "0",
    "max_logical_replication_workers": "0",
    "synchronous_standby_names": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "autovacuum": "off",
    "restart_after_crash": "off",
    "ssl": "off",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_line_prefix": LOG_LINE_PREFIX,
    "log_timezone": "UTC",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "lc_messages": "C",
    "cluster_name": "verify_recovery",
}
_ISOLATED_SINCE = {15: {"archive_library": ""}, 17: {"sync_replication_slots": "off", "summarize_wal": "off"}}
_FEWEST_SLOTS = 10


def verification_settings(
    request: VerificationRequest, prepared: PreparedDirectory, slots: int, preloaded: str | None
) -> dict[str, str]:
    """The settings, over those of the directory. slots: the number of its replication slots.

    preloaded: its shared_preload_libraries if the WAL has records of an extension's resource manager: only its library can replay them.
    """
    level = prepared.control.get("wal_level setting", "replica")
    settings = {
        name: prepared.control.get(key, "") for name, key in _CONTROL_SETTINGS.items() if key in prepared.control
    }
    settings.update(
        _ISOLATED,
        wal_level="replica" if level == "minimal" else level,
        max_replication_slots=str(max(_FEWEST_SLOTS, slots)),
    )
    for since, more in _ISOLATED_SINCE.items():
        if prepared.directory.major_version >= since:
            settings.update(more)
    if request.promote:
        settings["recovery_target_action"] = "promote"
    else:
        settings["recovery_target_action"] = "pause"
        # Barman's command removes the WAL, and this recovery is not to end.
        settings["recovery_end_command"] = ""
        if not recovery_targets(prepared.settings):
            settings.update(prepared.target)
    if preloaded is not None:
        settings["shared_preload_libraries"] = preloaded
    settings.update(request.settings)
    return settings
