# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is released on a PostgreSQL server, and what stays with a reason."""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._decommission import postgres_run
from ansible_collections.pgdr.barman.plugins.module_utils._decommission.postgres_plan import (
    PostgresObservation,
    ReleaseRequest,
    ReleaseStep,
    RoleState,
    SlotState,
    make_plan,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.record import (
    FormerSetting,
    HostRecord,
    read_record,
    write_record,
)
from ansible_collections.pgdr.barman.plugins.modules import postgres_release
from tests.unit.plugins.modules.running import run_main

REQUEST = ReleaseRequest(slots=("barman",), roles=("barman",))
RECORDED = {
    "archive_mode": FormerSetting(None, "on"),
    "listen_addresses": FormerSetting("localhost", "*"),
    "max_wal_senders": FormerSetting(None, "12"),
}
ALTERED = {"archive_mode": "on", "listen_addresses": "*", "max_wal_senders": "12"}
OBSERVED = PostgresObservation(
    "/etc/pg_hba.conf",
    in_recovery=False,
    roles=(RoleState("barman"),),
    slots=(SlotState("barman", active=False),),
    altered=ALTERED,
    rules=("host x",),
)


def statements(
    observed: PostgresObservation, request: ReleaseRequest = REQUEST, **recorded: FormerSetting
) -> list[str]:
    plan = make_plan(observed, request, recorded or RECORDED)
    return [statement for step in plan.steps for statement in step.statements]


def left(observed: PostgresObservation, request: ReleaseRequest = REQUEST) -> list[str]:
    return list(make_plan(observed, request, RECORDED).left)


MINIMAL = {
    "archive_mode": FormerSetting(None, "on"),
    "max_wal_senders": FormerSetting("0", "12"),
    "summarize_wal": FormerSetting(None, "on"),
    "wal_level": FormerSetting(None, "replica"),
}
RAISED = replace(
    OBSERVED,
    altered={"archive_mode": "on", "max_wal_senders": "12", "summarize_wal": "on", "wal_level": "replica"},
    configured={"archive_mode": "off", "max_wal_senders": "10", "summarize_wal": "off", "wal_level": "minimal"},
)


def kept_wal_level(observed: PostgresObservation, **recorded: FormerSetting) -> str:
    """Why wal_level stays; empty if it does not. PostgreSQL does not start with the others and wal_level minimal."""
    plan = make_plan(observed, REQUEST, {**MINIMAL, **recorded})
    (text,) = [one for one in (*plan.changes, *plan.left) if one.startswith("wal_level")]
    return text if text in plan.left else ""


def test_wal_level_goes_with_all_that_needs_it() -> None:
    assert kept_wal_level(RAISED) == ""


@pytest.mark.parametrize(
    ("observed", "recorded", "reason"),
    [
        (replace(RAISED, archives=True), {}, "archive_mode is on"),
        (replace(RAISED, altered={**RAISED.altered, "archive_mode": "always"}), {}, "archive_mode is always"),
        (replace(RAISED, configured={**RAISED.configured, "archive_mode": "yes"}), {}, "archive_mode is yes"),
        (replace(RAISED, altered={**RAISED.altered, "max_wal_senders": "20"}), {}, "max_wal_senders is 20"),
        (RAISED, {"max_wal_senders": FormerSetting(None, "12")}, "max_wal_senders is 10"),
        (replace(RAISED, altered={**RAISED.altered, "summarize_wal": "true"}), {}, "summarize_wal is true"),
    ],
)
def test_wal_level_stays_with_what_needs_it(
    observed: PostgresObservation, recorded: dict[str, FormerSetting], reason: str
) -> None:
    assert reason in kept_wal_level(observed, **recorded)


def test_wal_level_that_was_no_minimal_one_is_restored_in_any_case() -> None:
    logical = replace(RAISED, archives=True, altered={**RAISED.altered, "wal_level": "logical"})
    assert kept_wal_level(logical, wal_level=FormerSetting("replica", "logical")) == ""
    changed = replace(RAISED, archives=True, configured={**RAISED.configured, "wal_level": "replica"})
    assert kept_wal_level(changed) == ""


def test_a_slot_that_stays_keeps_what_it_needs() -> None:
    used = replace(RAISED, slots=(SlotState("barman", active=True),))
    assert "there are other replication slots (barman)" in kept_wal_level(used)


def test_everything_goes_and_settings_are_as_before() -> None:
    assert statements(OBSERVED) == [
        "SELECT pg_catalog.pg_drop_replication_slot('barman')",
        'DROP OWNED BY "barman"',
        'DROP ROLE "barman"',
        "ALTER SYSTEM RESET archive_mode",
        "ALTER SYSTEM SET listen_addresses = 'localhost'",
        "ALTER SYSTEM RESET max_wal_senders",
    ]
    plan = make_plan(OBSERVED, REQUEST, RECORDED)
    assert (plan.rules, plan.left) == (True, ())


def test_a_second_plan_changes_nothing() -> None:
    done = PostgresObservation("/etc/pg_hba.conf", in_recovery=False, altered={"listen_addresses": "localhost"})
    plan = make_plan(done, REQUEST, RECORDED)
    assert (plan.changes, plan.left) == ([], ())
    assert plan.forgotten == {"barman", *RECORDED}


def test_what_is_still_declared_stays() -> None:
    request = ReleaseRequest(rules=("host x",), settings=frozenset(RECORDED))
    assert make_plan(OBSERVED, request, RECORDED).changes == []


@pytest.mark.parametrize(
    ("observed", "name", "reason"),
    [
        (replace(OBSERVED, senders=1), "max_wal_senders", "1 other connections stream WAL"),
        (
            replace(OBSERVED, slots=(SlotState("theirs", active=True),)),
            "max_wal_senders",
            "other replication slots (theirs)",
        ),
        (replace(OBSERVED, in_recovery=True), "max_wal_senders", "the server is a standby"),
        (replace(OBSERVED, remote=True), "listen_addresses", "others connect over the network"),
        (replace(OBSERVED, archives=True), "archive_mode", "another archive_command works"),
        (replace(OBSERVED, altered={**ALTERED, "archive_mode": "always"}), "archive_mode", "somebody changed it since"),
    ],
)
def test_a_setting_that_others_need_stays(observed: PostgresObservation, name: str, reason: str) -> None:
    (text,) = [one for one in left(observed) if one.startswith(name)]
    assert reason in text
    assert "If nobody needs it: ALTER SYSTEM" in text
    assert not any(name in statement for statement in statements(observed))


STANDBY = replace(OBSERVED, in_recovery=True, roles=(), configured={"max_wal_senders": "10"})


def test_a_standby_restores_what_its_primary_has_no_more() -> None:
    """Not below the value of its primary: it would not start."""
    assert "ALTER SYSTEM RESET max_wal_senders" in statements(replace(STANDBY, primary_senders=10))
    (text,) = left(replace(STANDBY, primary_senders=12))
    assert text == (
        "max_wal_senders = 12 stays, because the server is a standby, and its primary has 12. Run this again when the primary has restarted with "
        "at most 10, and this server has replayed that. If nobody needs it: ALTER SYSTEM RESET max_wal_senders"
    )
    assert not any("max_wal_senders" in one for one in statements(replace(STANDBY, primary_senders=12)))
    (text,) = left(STANDBY)
    assert "max_wal_senders of its primary is not known" in text
    cascading = replace(STANDBY, primary_senders=10, senders=1)
    assert any("1 other connections stream WAL" in one for one in left(cascading))


def test_a_standby_restores_its_slots_whatever_its_primary_has() -> None:
    observed = replace(STANDBY, altered={"max_replication_slots": "20"})
    recorded = {"max_replication_slots": FormerSetting(None, "20")}
    plan = make_plan(observed, REQUEST, recorded)
    assert "ALTER SYSTEM RESET max_replication_slots" in [sql for step in plan.steps for sql in step.statements]
    other = replace(observed, slots=(SlotState("theirs", active=False),))
    assert not any("max_replication" in step.text for step in make_plan(other, REQUEST, recorded).steps)


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        (RoleState("barman", superuser=True), "it is a superuser"),
        (RoleState("barman", owns=True), "it owns objects"),
        (RoleState("barman", elsewhere=True), "it has privileges in another database"),
    ],
)
def test_a_role_that_others_depend_on_stays(role: RoleState, reason: str) -> None:
    observed = replace(OBSERVED, roles=(role,))
    assert any(reason in text for text in left(observed))
    assert not any("ROLE" in statement for statement in statements(observed))


def test_a_role_that_no_deployment_created_stays() -> None:
    request = ReleaseRequest(slots=("barman",), foreign_roles=("barman",))
    (text,) = left(OBSERVED, request)
    assert text.startswith("The database role barman stays, because no record shows that a deployment created it")
    # A standby has the roles of its primary.
    assert not any("role barman" in one for one in left(replace(OBSERVED, in_recovery=True), request))


def test_a_standby_names_the_role_that_its_primary_has() -> None:
    observed = replace(OBSERVED, in_recovery=True)
    plan = make_plan(observed, REQUEST, {})
    (text,) = plan.left
    assert 'On its primary: DROP OWNED BY "barman"; DROP ROLE "barman"' in text
    assert "barman" in plan.forgotten


def test_a_slot_in_use_stays() -> None:
    observed = replace(OBSERVED, slots=(SlotState("barman", active=True),))
    assert any(
        text.startswith("The replication slot barman stays, because a receiver uses it") for text in left(observed)
    )


def test_the_plan_of_a_run_that_stops_the_receiver_first_has_the_slot() -> None:
    used = replace(OBSERVED, slots=(SlotState("barman", active=True),))
    plan = make_plan(used, replace(REQUEST, receivers_stop=True), RECORDED)
    assert plan == make_plan(OBSERVED, REQUEST, RECORDED)
    assert plan.changes[0] == "drop the replication slot barman"


def test_names_are_quoted() -> None:
    observed = replace(OBSERVED, roles=(RoleState('b"x'),))
    assert 'DROP ROLE "b""x"' in statements(observed, ReleaseRequest(roles=('b"x',)))
    assert "ALTER SYSTEM SET a = 'it''s'" in statements(
        replace(OBSERVED, altered={"a": "1"}), REQUEST, a=FormerSetting("it's", "1")
    )


class Session:
    """Answers with one row, and notes the statements. failing: the statement that ends the process."""

    def __init__(self, hba_file: str) -> None:
        self.row = {
            "hba_file": hba_file,
            "in_recovery": False,
            "roles": json.dumps([{"name": "barman", "superuser": False, "owns": False, "elsewhere": False}]),
            "slots": json.dumps([{"name": "barman", "active": False}]),
            "altered": json.dumps(ALTERED),
            "configured": json.dumps({"archive_mode": "off", "max_wal_senders": "10", "wal_level": "replica"}),
            "senders": 0,
            "remote": False,
            "archives": False,
            "pending": "[]",
            "synchronous_standby_names": "",
            "archive_command": "",
            "archive_mode": "off",
        }
        self.statements: list[str] = []
        self.failing = ""
        self.loads = 0

    def query(self, sql: str, _params: Any = ()) -> list[dict[str, Any]]:
        if self.failing and sql.startswith(self.failing):
            raise HostError("killed")
        if "pg_conf_load_time" in sql:
            self.loads += 1
            return [{"time": str(self.loads)}]
        if "AS hba_file" in sql:
            return [self.row]
        if "WHERE pending_restart" in sql:
            return [{"name": "archive_mode"}]
        self.statements.append(sql)
        return []

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    hba = tmp_path / "pg_hba.conf"
    hba.write_text("# BEGIN pgdr.barman\nhost all all 198.51.100.1/32 trust\n# END pgdr.barman\nlocal all all peer\n")
    made = Session(str(hba))
    record = HostRecord(settings={"5432": RECORDED}, roles={"5432": ("barman",)})
    write_record(record, str(tmp_path / "record.json"))
    monkeypatch.setattr(postgres_run, "require_psycopg", lambda: None)
    monkeypatch.setattr(postgres_run, "logged_in", lambda _params: made)
    monkeypatch.setattr(postgres_release, "release", partial(postgres_run.release, path=str(tmp_path / "record.json")))
    return made


def run(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    me = pwd.getpwuid(os.geteuid()).pw_name
    return run_main(postgres_release.main, capsys, slots=["barman"], roles=["barman"], user=me, **arguments)


def test_the_module_releases_and_forgets(session: Session, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = run(capsys)
    assert (answer["changed"], answer["restart"], answer["left"]) == (True, ["archive_mode"], [])
    assert "remove the rules from pg_hba.conf" in answer["changes"]
    assert (tmp_path / "pg_hba.conf").read_text() == "local all all peer\n"
    assert read_record(str(tmp_path / "record.json")).is_empty
    assert session.statements[-1] == "SELECT pg_catalog.pg_reload_conf()"


@pytest.mark.parametrize(
    ("printed", "remains"), [("10", set()), ("12", {"max_wal_senders"}), ("", {"max_wal_senders"})]
)
def test_the_record_of_a_standby_is_forgotten_when_its_primary_has_restarted(
    session: Session,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    printed: str,
    remains: set[str],
) -> None:
    asked: list[tuple[str, str, str]] = []

    def control(path: str, bin_directory: str, user: str) -> dict[str, str]:
        asked.append((path, bin_directory, user))
        if not printed:
            raise HostError("the control file can't be read")
        return {"max_wal_senders setting": printed}

    monkeypatch.setattr(postgres_run, "find_bin_directory", lambda version: f"/usr/lib/postgresql/{version}/bin")
    monkeypatch.setattr(postgres_run, "read_control", control)
    session.row |= {"in_recovery": True, "data_directory": "/srv/data", "major_version": 17}
    answer = run(capsys)
    assert asked == [("/srv/data", "/usr/lib/postgresql/17/bin", pwd.getpwuid(os.geteuid()).pw_name)]
    assert ("msg" in answer, any("max_wal_senders" in one for one in answer["left"])) == (False, bool(remains))
    assert set(read_record(str(tmp_path / "record.json")).settings.get("5432", {})) == remains


def test_check_mode_changes_nothing(session: Session, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = run(capsys, check_mode=True, diff=True)
    assert answer["restart"] == ["archive_mode", "listen_addresses", "max_wal_senders"]
    assert session.statements == []
    assert "BEGIN" in (tmp_path / "pg_hba.conf").read_text()
    assert not read_record(str(tmp_path / "record.json")).is_empty


def test_a_run_that_ends_in_between_forgets_what_it_restored(
    session: Session, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    session.failing = "ALTER SYSTEM SET listen_addresses"
    assert run(capsys)["msg"] == "killed"
    record = read_record(str(tmp_path / "record.json"))
    assert set(record.settings["5432"]) == {"listen_addresses", "max_wal_senders"}
    assert record.roles == {}


def test_a_server_that_does_not_answer_is_a_kind_of_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_params: Any) -> Any:
        raise HostError("connection refused")

    monkeypatch.setattr(postgres_run, "require_psycopg", lambda: None)
    monkeypatch.setattr(postgres_run, "logged_in", refuse)
    answer = run(capsys)
    assert (answer["msg"], answer["error_kind"], answer["changes"]) == ("connection refused", "other", [])


def test_a_setting_that_needs_a_restart() -> None:
    steps = make_plan(OBSERVED, REQUEST, RECORDED).steps
    assert (
        ReleaseStep(
            "archive_mode: on back to the value of postgresql.conf",
            ("ALTER SYSTEM RESET archive_mode",),
            setting="archive_mode",
            needs_restart=True,
        )
        in steps
    )
