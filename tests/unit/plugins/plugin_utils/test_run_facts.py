# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host is spared the search for SSH trust only if the run has proven that it has none."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import may_have_ssh_trust

NONE: dict[str, Any] = {"ssh_trust_users": []}
SOME: dict[str, Any] = {"ssh_trust_users": ["barman"]}
POSTGRES: dict[str, Any] = {"postgres": {}, "ssh_connections": []}
BOTH: dict[str, Any] = {"postgres": {}, "barman": {}, "ssh_connections": []}


@pytest.mark.parametrize(
    ("required", "facts", "expected"),
    [
        (POSTGRES, {"barman_pg_host_state": NONE}, False),
        (POSTGRES, {"barman_pg_host_state": SOME}, True),
        (POSTGRES, {}, True),
        (POSTGRES, {"barman_pg_host_state": {"failed": True}}, True),
        (POSTGRES, {"barman_pg_host_state": {"skipped": True}}, True),
        (POSTGRES, {"barman_pg_host_state": {}}, True),
        ({**POSTGRES, "ssh_connections": [{}]}, {"barman_pg_host_state": NONE}, True),
        (BOTH, {"barman_pg_host_state": NONE, "barman_backup_host_state": NONE}, False),
        (BOTH, {"barman_pg_host_state": NONE, "barman_backup_host_state": SOME}, True),
        (BOTH, {"barman_pg_host_state": NONE}, True),
    ],
)
def test_trust_is_excluded_only_by_the_host_state_of_each_part(
    required: dict[str, Any], facts: dict[str, Any], *, expected: bool
) -> None:
    assert may_have_ssh_trust(required, facts) is expected
