# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.pgpass_lines import pgpass_lines

ENTRY = {
    "host": "pg",
    "address": "198.51.100.21",
    "port": 5432,
    "database": "*",
    "user": "barman",
    "password_variable": "barman_postgres_password",
}


def test_each_connection_has_the_password_of_its_host() -> None:
    hostvars = {"pg": {"barman_postgres_password": "a:b"}, "other": {"barman_streaming_password": "c"}}
    other = {**ENTRY, "host": "other", "password_variable": "barman_streaming_password"}
    assert pgpass_lines([ENTRY, other], hostvars) == [
        r"198.51.100.21:5432:*:barman:a\:b",
        "198.51.100.21:5432:*:barman:c",
    ]
    assert pgpass_lines([], hostvars) == []


@pytest.mark.parametrize("hostvars", [{}, {"pg": {}}])
def test_a_missing_password_is_named(hostvars: dict[str, dict[str, str]]) -> None:
    with pytest.raises(AnsibleFilterError, match="the host pg has no barman_postgres_password"):
        pgpass_lines([ENTRY], hostvars)
