# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook verify shows of many servers, and which files it searches elsewhere."""

from __future__ import annotations

from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils.verification_tables import shown

SEGMENT = "00000001000000000000004D"
PASSED = {
    "result": "passed",
    "read": {"backups": ["1"], "segments": 3, "bytes": 1 << 20},
    "seconds": 2.5,
    "unread_since": "2026-11-02T04:30:00+00:00",
    "damages": [],
    "damaged_files": 0,
    "not_verified": {"2": "it has no manifest"},
}


def damaged(*damages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        **PASSED,
        "result": "failed",
        "reason": "x",
        "damages": list(damages),
        "damaged_files": len(damages),
        **more,
    }


def damage(name: str, backup_id: str | None = None, copies: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "backup_id": backup_id, "problem": f"{name} is wrong", "copies": copies or []}


def state(**servers: Any) -> dict[str, Any]:
    return {"jobs": [{"verifications": servers}]}


def test_an_intact_archive() -> None:
    lines, failures, result = shown({"eu": state(pg=PASSED)}, {}, [], check_mode=False)
    assert "intact; everything was read since 2026-11-02T04:30:00+00:00" in lines[1]
    assert "not verified: backup 2: it has no manifest" in lines[2]
    assert failures == {"eu": []}
    assert (result["ok"], result["searches"]) == (True, {})
    assert result["verifications"] == [
        {
            "backup_server": "eu",
            "server": "pg",
            "ok": True,
            "damaged_files": 0,
            "bytes": 1 << 20,
            "unread_since": "2026-11-02T04:30:00+00:00",
        }
    ]


def test_damaged_files_are_searched_where_the_server_is_replicated() -> None:
    states = {
        "eu": state(
            pg=damaged(damage(SEGMENT), damage("PG_VERSION", "1"), {**damage("x"), "name": None}), other=PASSED
        ),
        "us": state(pg=PASSED),
        "far": state(other=PASSED),
    }
    _lines, _failures, result = shown(states, {}, [], check_mode=False)
    assert result["searches"] == {"us": [{"server": "pg", "names": [SEGMENT, "1/PG_VERSION"]}]}
    assert not result["ok"]


def test_intact_copies_are_named_with_their_host() -> None:
    states = {
        "eu": state(pg=damaged(damage(SEGMENT), damage("PG_VERSION", "1"), damage("here", "1", ["/srv/here"]))),
        "us": state(pg=PASSED),
    }
    found = {"barman_search": {"server": "pg"}, "copies": {SEGMENT: "/var/copy", "1/PG_VERSION": None}}
    lines, failures, _result = shown(states, {"us": {"results": [found]}, "eu": {"results": []}}, [], check_mode=False)
    text = "\n".join(lines)
    assert f"{SEGMENT} is wrong; an intact copy is us:/var/copy" in text
    assert "PG_VERSION is wrong; no intact copy was found" in text
    assert "here is wrong; an intact copy is eu:/srv/here" in text
    assert "us:/var/copy" in failures["eu"][0]
    assert failures["us"] == []


def test_what_is_cut_off_is_shown() -> None:
    facts = damaged(*[damage(f"f{number}", "1") for number in range(12)], consequences={"text": "backup 1 is lost"})
    lines, _failures, _result = shown({"eu": state(pg=facts)}, {}, [], check_mode=False)
    assert any("and 2 more" in line for line in lines)
    assert any("cut off: backup 1 is lost" in line for line in lines)


def test_a_plan_a_skipped_server_and_another_failure() -> None:
    planned = {"result": "planned", "planned": {"backups": [], "segments": 1, "bytes": 5}}
    skipped = {"result": "skipped", "reason": "an object store"}
    failed = {"result": "failed", "reason": "the catalog can't be read", "damages": [], "damaged_files": 0}
    states = {"eu": state(a=planned, b=skipped, c=failed)}
    lines, failures, result = shown(states, {}, [], check_mode=True)
    assert ["would be read" in lines[1], "skipped: an object store" in lines[2], "FAILED: the catalog" in lines[3]] == [
        True
    ] * 3
    assert failures == {"eu": ["server 'c': the catalog can't be read"]}
    assert [one["ok"] for one in result["verifications"]] == [True, True, False]


def test_a_job_without_an_answer_and_a_lost_host_fail() -> None:
    states = {"eu": {"jobs": [{"failed": True, "msg": "the job is gone"}]}, "us": {}}
    _lines, failures, result = shown(states, {}, ["far"], check_mode=False)
    assert failures == {"eu": ["the job is gone"], "us": []}
    assert (result["ok"], result["failed_hosts"]) == (False, ["far"])
