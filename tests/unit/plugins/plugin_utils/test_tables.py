# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of backup, check, drill, repair and sync."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils.run_results import drill_result
from ansible_collections.pgdr.barman.plugins.plugin_utils.tables import (
    backup_failures,
    backup_table,
    check_table,
    drill_failures,
    drill_table,
    repair_failures,
    repair_table,
    repaired,
    sync_failures,
    sync_table,
)

TAKEN = {
    "changed": True,
    "backup": {"id": "20261120T070000", "status": "DONE", "size": 1048576, "duration": 2.04, "throughput": 524288},
}
DONE: dict[str, Any] = {
    "backup-eu": [
        ["pg", TAKEN],
        ["old", {**TAKEN, "changed": False}],
        ["broken", {"failed": True, "msg": "no space"}],
        ["lost", {}],
    ],
    "backup-us": [],
}


def test_backups_are_shown_with_their_sizes_and_what_became_of_them() -> None:
    first, *lines = backup_table(DONE, check_mode=False)
    assert first.split() == ["backup", "host", "server", "backup", "size", "seconds", "a", "second"]
    assert [line.split() for line in lines] == [
        ["backup-eu", "pg", "20261120T070000", "1.00", "MB", "2.0", "512.00", "KB", "taken"],
        ["backup-eu", "old", "20261120T070000", "1.00", "MB", "2.0", "512.00", "KB", "recent", "enough"],
        ["backup-eu", "broken", "none", "FAILED"],
        ["backup-eu", "lost", "none", "FAILED"],
    ]


def test_failed_backups_have_their_reasons() -> None:
    assert backup_failures(DONE, check_mode=False) == {
        "backup-eu": ["broken: no space", "lost: the backup ended without an answer"],
        "backup-us": [],
    }


def test_in_check_mode_nothing_has_failed() -> None:
    lines = backup_table({"backup-eu": [["pg", {"changed": True}], ["old", {}]]}, check_mode=True)
    assert lines[1].endswith("would be taken")
    assert lines[2].endswith("recent enough")
    assert backup_failures(DONE, check_mode=True) == {"backup-eu": [], "backup-us": []}


def test_checks_that_fail_are_shown_below_their_server() -> None:
    checks = {
        "a": {"ok": True, "ignored": False, "name": "a", "hint": ""},
        "b": {"ok": False, "ignored": False, "name": "b", "hint": "do this"},
        "c": {"ok": False, "ignored": True, "name": "c", "hint": "do that"},
    }
    lines = check_table(
        {"backup-eu": {"servers": {"pg": {"ok": False, "checks": checks}}}, "backup-us": {"skipped": True}}
    )
    assert [line.split() for line in lines[1:]] == [
        ["backup-eu", "pg", "RED", "3"],
        ["b:", "do", "this"],
        ["(ignored)", "c:", "do", "that"],
    ]


TOPOLOGY = {"postgres_servers": {"host-of-pg": {"backup_server": "backup-eu"}}}
REQUIREMENTS = {"backup-us": {"barman": {"servers": [{"name": "pg", "host": "host-of-pg", "source": "backup-eu"}]}}}
COPY: dict[str, Any] = {
    "changed": False,
    "empty": False,
    "error": "",
    "before": {"backups": ["x"], "segments": 3, "bytes": 1048576, "seconds": 12},
    "recoverable": {"time": "2026-11-20T08:30:00+00:00"},
}
INFORMATION = {"backup-eu": {"servers": {"pg": {"wal": {"partial": {"name": "000000010000000000000007"}}}}}}


def sync_line(
    copy: dict[str, Any], information: dict[str, Any] | None = None, *, check_mode: bool = False
) -> list[str]:
    lines = sync_table(
        {"backup-us": {"pg": {**COPY, **copy}}},
        INFORMATION if information is None else information,
        topology=TOPOLOGY,
        requirements=REQUIREMENTS,
        check_mode=check_mode,
    )
    return lines[1].split()


@pytest.mark.parametrize(
    ("copy", "more", "state"),
    [
        ({}, {}, "not in the copy: 000000010000000000000007, which is still incomplete"),
        ({}, {"information": {}}, ""),
        ({"changed": True}, {}, "copied"),
        ({"changed": True}, {"check_mode": True}, "would be copied"),
        ({"empty": True}, {}, "there is no backup of it yet"),
        ({"error": "no answer"}, {}, "FAILED: no answer"),
    ],
)
def test_a_copy_is_shown_with_its_lag(copy: dict[str, Any], more: dict[str, Any], state: str) -> None:
    start = ["backup-us", "pg", "backup-eu", "1", "3", "1.00", "MB", "12", "2026-11-20T08:30:00+00:00"]
    assert sync_line(copy, **more) == [*start, *state.split()]


def test_a_lag_that_nobody_knows_is_a_question_mark() -> None:
    assert sync_line({"before": None, "recoverable": None}, {})[3:] == ["?", "?", "?", "?", "nothing"]
    assert sync_line({"before": {**COPY["before"], "seconds": None}})[7] == "all"


def test_failed_copies_have_their_reasons() -> None:
    copies = {"backup-us": {"pg": COPY, "other": {**COPY, "error": "no answer"}}}
    assert sync_failures(copies) == {"backup-us": ["no answer"]}


DRILLED = {
    "result": "passed",
    "backup_id": "20261120T070000",
    "bytes": 1048576,
    "rto_seconds": 33.25,
    "seconds": 56.5,
    "rpo": {"commit_time": "2026-11-20T08:29:58+00:00"},
}
DRILLS: dict[str, Any] = {
    "backup-eu": [
        ["pg", {"drills": {"pg": DRILLED}}],
        [
            "broken",
            {"failed": True, "msg": "no key", "drills": {"broken": {"result": "failed", "failed_phase": "restore"}}},
        ],
        ["lost", {}],
    ],
    "backup-us": [],
}


def test_drills_are_shown_with_what_they_prove() -> None:
    first, *lines = drill_table(DRILLS)
    assert first.split() == ["backup", "host", "server", "backup", "size", "RTO", "seconds"]
    assert [line.split() for line in lines] == [
        [
            "backup-eu",
            "pg",
            "20261120T070000",
            "1.00",
            "MB",
            "33.2",
            "56.5",
            "proven",
            "up",
            "to",
            "2026-11-20T08:29:58+00:00",
        ],
        ["backup-eu", "broken", "none", "FAILED:", "restore"],
        ["backup-eu", "lost", "none", "FAILED:", "no", "answer"],
    ]
    assert drill_failures(DRILLS) == {
        "backup-eu": ["no key", "lost: the drill ended without an answer"],
        "backup-us": [],
    }


def test_planned_drills_have_not_failed() -> None:
    planned = {"result": "planned", "free_bytes": 1048576, "directory": "/srv/drills", "bytes": 1024}
    refused = {"failed": False, "problems": ["server 'full': no room"], "drills": {"full": {"result": "failed"}}}
    jobs = {"backup-eu": [["pg", {"drills": {"pg": planned}}], ["full", refused]]}
    assert drill_table(jobs)[1].endswith("would be drilled: 1.00 MB of /srv/drills free")
    assert drill_failures(jobs) == {"backup-eu": ["server 'full': no room"]}


def test_what_killed_drills_left_on_other_hosts_is_shown() -> None:
    left = [{"server": "app", "host": "198.51.100.202", "directory": "/srv/drills/pgdr-drill-1"}]
    jobs = {"backup-eu": [["pg", {"drills": {"pg": DRILLED}, "left": left}]] * 2, "backup-us": []}
    assert [line.split()[1] for line in drill_table(jobs)[1:]] == ["pg", "pg", "app"]
    assert drill_table(jobs)[-1].endswith("LEFT by a killed drill: 198.51.100.202:/srv/drills/pgdr-drill-1")
    assert drill_failures(jobs) == {"backup-eu": [], "backup-us": []}
    result = drill_result(jobs, [], check_mode=False)
    assert (result["ok"], result["left"]) == (True, [{"backup_server": "backup-eu", **left[0]}])


WINDOW = {
    "backups": ["20261101T020000"],
    "begin": {"time": "2026-11-01 02:00:09", "lsn": "0/5000130"},
    "end": {"time": "2026-11-20 09:13:21", "lsn": "0/B000000"},
    "missing": "00000001000000000000000C",
}
LOST: dict[str, Any] = {
    "changed": True,
    "error": None,
    "reasons": [{"code": "wal_removed", "message": "the WAL receiver can't continue"}],
    "steps": ["reset the WAL receiver", "take a full backup"],
    "windows": [WINDOW],
    "backup": None,
}
SOUND: dict[str, Any] = {
    "changed": False,
    "error": None,
    "reasons": [],
    "steps": [],
    "windows": [WINDOW],
    "backup": None,
}
REFUSED: dict[str, Any] = {**SOUND, "error": "server 'copy': it is a passive copy"}
PLANNED: dict[str, Any] = {
    "backup-eu": {"servers": {"pg": LOST, "sound": SOUND, "copy": REFUSED}},
    "backup-us": {"skipped": True},
}
ANSWER = {**LOST, "backup": {"id": "20261130T110000"}}


def test_the_plan_of_a_repair_names_the_loss_the_steps_and_what_can_be_recovered_nevertheless() -> None:
    lines = repair_table(repaired(PLANNED, {}), check_mode=True)
    assert [line.split(maxsplit=2) for line in lines[1:]] == [
        ["backup-eu", "pg", "to be repaired     reset the WAL receiver; then take a full backup"],
        ["the", "WAL", "receiver can't continue"],
        [
            "can",
            "be",
            "recovered: 2026-11-01 02:00:09 (backup 20261101T020000) to the last commit 2026-11-20 09:13:21. Then WAL is missing: 00000001000000000000000C",
        ],
        ["backup-eu", "sound", "nothing is lost    "],
        ["backup-eu", "copy", "FAILED             "],
        ["server", "'copy':", "it is a passive copy"],
    ]
    assert repair_failures(repaired(PLANNED, {})) == {
        "backup-eu": ["server 'copy': it is a passive copy"],
        "backup-us": [],
    }


def test_after_a_repair_the_new_backup_is_named() -> None:
    found = repaired(PLANNED, {"backup-eu": {"jobs": [{"servers": {"pg": ANSWER}}]}, "backup-us": {"skipped": True}})
    lines = repair_table(found, check_mode=False)
    assert lines[1].split()[:3] == ["backup-eu", "pg", "repaired"]
    assert "the new backup 20261130T110000 begins the next window" in [line.strip() for line in lines]


def test_a_repair_that_gave_no_answer_has_failed() -> None:
    found = repaired(PLANNED, {"backup-eu": {"jobs": [{"failed": True, "msg": "the host has rebooted"}]}})
    assert found["backup-eu"]["pg"]["error"] == "the host has rebooted"
    assert found["backup-eu"]["sound"]["error"] is None
    assert (
        repaired(PLANNED, {"backup-eu": {"jobs": [{}]}})["backup-eu"]["pg"]["error"]
        == "the repair ended without an answer"
    )
