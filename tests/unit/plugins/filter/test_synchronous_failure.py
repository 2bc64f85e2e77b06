# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.pgdr.barman.plugins.filter.synchronous_failure import synchronous_failure


def test_if_the_new_names_were_removed_commits_wait_for_nobody() -> None:
    text = synchronous_failure({"msg": "no receiver"}, "pg-eu", {"added": ["barman_receive_wal"]})
    assert text == "Commits on pg-eu do not wait for Barman. no receiver"


def test_names_that_were_there_before_stay() -> None:
    text = synchronous_failure({"msg": "no receiver"}, "pg-eu", {"added": []})
    assert text == "Commits on pg-eu are not protected by Barman as declared. no receiver"


def test_if_the_setting_could_not_be_written_nothing_was_removed() -> None:
    for configured in ({"failed": True, "added": ["barman_receive_wal"]}, {"failed": True}, {}, None):
        assert "are not protected" in synchronous_failure({"msg": "refused"}, "pg-eu", configured)


def test_of_a_loop_only_what_failed_is_the_reason() -> None:
    failed = {
        "msg": "One or more items failed",
        "results": [{"failed": True, "msg": "a"}, {"msg": "fine"}, {"failed": True, "msg": "b"}],
    }
    assert synchronous_failure(failed, "pg-eu", {"added": ["x"]}).endswith(". a; b")
