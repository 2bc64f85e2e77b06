# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.privileges import (
    identifier,
    least_privileges,
    statements,
)


@pytest.mark.parametrize("version", [13, 14])
def test_until_14_there_is_no_checkpoint_role_and_the_functions_have_their_old_names(version):
    least = least_privileges(version)
    assert least.memberships == ("pg_read_all_settings", "pg_read_all_stats")
    assert "pg_start_backup(text, boolean, boolean)" in least.functions
    assert "pg_stop_backup(boolean, boolean)" in least.functions


@pytest.mark.parametrize("version", [15, 16, 17, 18])
def test_from_15_on(version):
    least = least_privileges(version)
    assert least.memberships == ("pg_checkpoint", "pg_read_all_settings", "pg_read_all_stats")
    assert set(least.functions) == {
        "pg_create_restore_point(text)",
        "pg_switch_wal()",
        "pg_backup_start(text, boolean)",
        "pg_backup_stop(boolean)",
    }


def test_an_unknown_version_is_refused():
    with pytest.raises(ValueError, match="PostgreSQL 12 is older than 13"):
        least_privileges(12)


@pytest.mark.parametrize("name", ["barman", "streaming_barman", "_b2"])
def test_plain_names_stay_as_they_are(name):
    assert identifier(name) == name


@pytest.mark.parametrize("name", ["Barman", "bar-man", "bar.man", "2barman", "user", "current_user", "table"])
def test_other_names_are_quoted(name):
    assert identifier(name) == f'"{name}"'


def test_quotes_in_names_are_doubled():
    assert identifier('bar"man') == '"bar""man"'
    assert statements('bar"man', 17)[0] == 'GRANT pg_checkpoint TO "bar""man";'
