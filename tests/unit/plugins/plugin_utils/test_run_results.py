# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What workflows get of a run."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils.run_results import (
    backup_result,
    check_result,
    deploy_result,
    recover_result,
    sync_result,
)

TAKEN = {"changed": True, "backup": {"id": "20261120T070000", "status": "DONE", "size": 7, "duration": 2.0}}
DONE: dict[str, Any] = {"backup-eu": [["pg", TAKEN], ["broken", {"failed": True, "msg": "no space"}]], "backup-us": []}


def test_backups() -> None:
    found = backup_result(DONE, [], check_mode=False)
    assert not found["ok"]
    assert found["failures"] == {"backup-eu": ["broken: no space"]}
    first, second = found["backups"]
    assert first == {
        "backup_server": "backup-eu",
        "server": "pg",
        "ok": True,
        "changed": True,
        "backup_id": "20261120T070000",
        "size": 7,
        "seconds": 2.0,
    }
    assert (second["ok"], second["backup_id"]) == (False, None)
    assert backup_result({"backup-eu": [["pg", TAKEN]]}, [], check_mode=False)["ok"]


def test_a_backup_that_would_be_taken_is_no_failure() -> None:
    found = backup_result({"backup-eu": [["pg", {"changed": True}]]}, [], check_mode=True)
    assert (found["ok"], found["check_mode"], found["backups"][0]["changed"]) == (True, True, True)


def test_a_host_that_the_run_lost_is_a_failure() -> None:
    found = backup_result({"backup-eu": [["pg", TAKEN]]}, {"backup-us"}, check_mode=False)
    assert (found["ok"], found["failed_hosts"]) == (False, ["backup-us"])


def test_checks() -> None:
    def check(name: str, *, ok: bool, ignored: bool = False) -> dict[str, Any]:
        return {"name": name, "ok": ok, "ignored": ignored, "hint": ""}

    checks = {
        "a": check("ssh", ok=True),
        "b": check("wal archive", ok=False),
        "c": check("backup age", ok=False, ignored=True),
    }
    checked = {"backup-eu": {"problems": ["pg: wal archive"], "servers": {"pg": {"ok": False, "checks": checks}}}}
    found = check_result(checked, [], check_mode=False)
    assert found["servers"] == [
        {"backup_server": "backup-eu", "server": "pg", "ok": False, "failed_checks": ["wal archive"]}
    ]
    assert found["failures"] == {"backup-eu": ["pg: wal archive"]}
    assert check_result({"backup-eu": {}}, [], check_mode=False)["ok"]


def test_copies() -> None:
    copies = {"backup-us": {"pg": {"changed": True, "error": "", "recoverable": {"time": "2026-11-20 07:00:00+00:00"}}}}
    found = sync_result(copies, [], check_mode=False)
    assert found["ok"]
    assert found["copies"][0]["recoverable_up_to"] == "2026-11-20 07:00:00+00:00"
    copies["backup-us"]["pg"]["error"] = "no SSH"
    assert not sync_result(copies, [], check_mode=False)["ok"]


def test_deployments() -> None:
    found = deploy_result(["pg", "backup"], [], {"pg": [], "backup": ["pg2 has no backup"]}, {}, check_mode=False)
    assert (found["ok"], found["hosts"], found["waiting"]) == (
        True,
        ["backup", "pg"],
        {"backup": ["pg2 has no backup"]},
    )
    assert not deploy_result(["pg"], ["backup"], {}, {}, check_mode=False)["ok"]


def test_recoveries() -> None:
    assert recover_result({"server": "pg"}, []) == {"ok": True, "failed_hosts": [], "problems": [], "server": "pg"}
    assert not recover_result({"server": "pg"}, ["pg takes no writes"])["ok"]
