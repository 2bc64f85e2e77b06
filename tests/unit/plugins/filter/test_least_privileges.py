# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.least_privileges import FilterModule, least_privileges


def test_plain_lists_for_templates():
    assert least_privileges(17) == {
        "memberships": ["pg_checkpoint", "pg_read_all_settings", "pg_read_all_stats"],
        "functions": [
            "pg_create_restore_point(text)",
            "pg_switch_wal()",
            "pg_backup_start(text, boolean)",
            "pg_backup_stop(boolean)",
        ],
    }


@pytest.mark.parametrize("version", ["17", True, None, 12])
def test_what_is_no_known_version(version):
    with pytest.raises(AnsibleFilterError, match="least_privileges"):
        least_privileges(version)


def test_the_filter_has_its_name():
    assert FilterModule().filters() == {"least_privileges": least_privileges}
