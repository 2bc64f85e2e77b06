# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a refused connection means, which libraries are missing, and the options of a session. The rest needs PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.server_address import session_options
from ansible_collections.pgdr.barman.plugins.module_utils._verify.databases import missing_libraries
from ansible_collections.pgdr.barman.plugins.module_utils._verify.server_log import LoggedRefusal, final_refusal

STARTING = "2026-11-27 11:00:00.000 UTC [41] client backend 57P03 FATAL:  the database system is starting up"
LOCALE = "2026-11-27 11:00:01.000 UTC [42] client backend XX000 FATAL:  database locale is incompatible with operating system"
ROLE = "2026-11-27 11:00:01.000 UTC [42] not initialized 28000 FATAL:  Rolle »x« existiert nicht"
STARTUP = "2026-11-27 11:00:01.000 UTC [40] startup XX000 FATAL:  WAL ends before end of online backup"


@pytest.mark.parametrize(
    ("log", "refusal"),
    [
        ([], None),
        ([STARTING], None),
        ([STARTING.replace("57P03", "53300")], None),
        ([STARTUP], None),
        ([STARTING, LOCALE], LoggedRefusal("XX000", "database locale is incompatible with operating system")),
        ([STARTING, ROLE], LoggedRefusal("28000", "Rolle »x« existiert nicht")),
    ],
)
def test_a_refusal_is_judged_by_its_sqlstate(log: list[str], refusal: LoggedRefusal | None) -> None:
    assert final_refusal(log) == refusal


def test_a_refused_login() -> None:
    assert LoggedRefusal("28000", "").login
    assert not LoggedRefusal("XX000", "").login


def test_libraries_that_are_not_installed(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    for name in ("auto_explain.so", "plugins/trace.so"):
        (tmp_path / name).write_text("")

    def ask(query: str, database: str) -> list[list[str | None]]:
        return [[str(tmp_path)]]

    assert missing_libraries(ask, "") == []
    assert missing_libraries(ask, "auto_explain, $libdir/plugins/trace.so") == []
    # Sessions load those of local_preload_libraries from a directory of their own.
    assert missing_libraries(ask, "trace", local=True) == []
    assert missing_libraries(ask, "auto_explain", local=True) == ["auto_explain"]
    assert missing_libraries(ask, 'timescaledb,"auto_explain", /opt/other') == ["timescaledb", "/opt/other"]


@pytest.mark.parametrize(
    ("version", "absent"),
    [(13, ["idle_session_timeout", "transaction_timeout"]), (16, ["transaction_timeout"]), (17, [])],
)
def test_timeouts_that_the_version_has_are_off(version: int, absent: list[str]) -> None:
    options = session_options(version, "2s")
    assert "-c statement_timeout=0" in options
    assert "-c lock_timeout=2s" in options
    for name in ("idle_session_timeout", "transaction_timeout"):
        assert (name in options) == (name not in absent)
