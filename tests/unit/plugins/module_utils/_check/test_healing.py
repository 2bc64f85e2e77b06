# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._check.healing import Circumstances, can_heal, gap_can_heal


@pytest.mark.parametrize(
    ("key", "connected", "backup_arrives", "heals"),
    [
        ("receive_wal_running", True, False, True),
        ("wal_archive", True, False, True),
        ("replication_slot", True, False, True),
        ("postgresql", False, False, True),
        ("a_check_of_a_later_barman", True, False, True),
        ("interrupted_backups", True, True, False),
        ("disk_space", False, False, False),
        ("wal_level", True, False, False),
        ("wal_level", False, False, True),
        ("backup_present", True, False, False),
        ("minimum_redundancy_requirements", True, True, True),
    ],
)
def test_what_waiting_can_heal(key: str, connected: bool, backup_arrives: bool, heals: bool) -> None:
    assert can_heal(key, Circumstances(connected, backup_arrives)) is heals


@pytest.mark.parametrize(
    ("passive", "streaming", "archiving", "heals"),
    [(False, True, False, False), (False, False, True, False), (False, True, True, True), (True, False, False, True)],
)
def test_a_gap_heals_only_if_another_way_can_still_bring_the_segments(
    passive: bool, streaming: bool, archiving: bool, heals: bool
) -> None:
    assert gap_can_heal(passive=passive, streaming=streaming, archiving=archiving) is heals
