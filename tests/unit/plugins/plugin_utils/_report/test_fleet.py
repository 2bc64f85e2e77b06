# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about a fleet: states, values, what is wrong and what to do."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.faults import DISK, FAULTS
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import Mark
from ansible_collections.pgdr.barman.plugins.plugin_utils._report import words
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.commands import COMMANDS, command_for, title_of
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.fleet import NOT_IN_RUN, fleet_report, marks_of
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.report import FleetReport, HostResults, ReportServer
from tests.unit.plugins.plugin_utils._picture.fleets import small
from tests.unit.plugins.plugin_utils._report.read_fleets import (
    ACCEPTED,
    FAILED_DRILL,
    FINDING,
    NOW,
    OLD_DRILL,
    STOPPED,
    ago,
    check,
    resolved,
    results_of,
)


def report(
    results: dict[str, HostResults] | None = None, *findings: dict[str, Any], **changes: dict[str, Any]
) -> FleetReport:
    topology, requirements = resolved(*small())
    found = results_of(requirements, {name.replace("_", "-"): one for name, one in changes.items()})
    return fleet_report(topology, requirements, {**found, **(results or {})}, findings, NOW, "Fleet")


def server(found: FleetReport, name: str, backup_server: str = "backup-eu") -> ReportServer:
    (one,) = [one for one in found.servers if (one.name, one.backup_server) == (name, backup_server)]
    return one


def test_a_healthy_fleet() -> None:
    found = report()
    assert found.state == "healthy"
    assert found.counts() == [("failing", 0), ("unread", 0), ("warning", 0), ("healthy", 5)]
    books = server(found, "books")
    assert (books.rpo.text, books.rpo.note) == ("0 seconds", "the backup server has everything")
    assert books.window.text == "from 2026-11-06 08:00:00 UTC to"
    assert books.window.moment == words.Moment("2026-11-20T07:59:43+00:00", "2026-11-20 07:59:43 UTC", "17 seconds ago")
    assert books.backup.note == "20261120T020000, full, 11.8 GB"
    assert books.restore.note == "of backup 20261117T020000, up to 2026-11-17 07:59:20 UTC"
    assert (books.rto.text, books.rto.note) == ("36 seconds", "from 7 drills, the largest error was 2.4 seconds")
    assert marks_of(found) == {}
    assert [(one.name, one.source) for one in found.servers if one.source] == [
        ("books", "backup-eu"),
        ("ledger", "backup-eu"),
    ]


def test_a_fault_has_its_command() -> None:
    found = report(books={"faults": [STOPPED], "rpo": {"seconds": 90.4, "bytes": 1234567, "limit": "receiver_stopped"}})
    (first, *_others) = found.servers
    assert (found.state, first.name, first.state) == ("failing", "books", "failing")
    (problem,) = first.problems
    assert (problem.title, problem.message) == ("receiver stopped", "the WAL receiver does not run")
    assert problem.command == "sudo -u barman barman cron"
    assert (first.rpo.text, first.rpo.state) == ("90 seconds, 1.2 MB of WAL", "warning")


def test_a_fault_of_a_passive_copy_is_marked_on_its_backup_server() -> None:
    topology, requirements = resolved(*small())
    results = results_of(requirements, {})
    copy = results["backup-us"].servers
    assert copy is not None
    copy["servers"]["books"]["faults"] = [OLD_DRILL]
    found = fleet_report(topology, requirements, results, [], NOW, "Fleet")
    assert marks_of(found) == {"backup-us": [Mark("warning", "books: drill too old")]}
    assert server(found, "books").state == "healthy"


@pytest.mark.parametrize(
    "results",
    [
        HostResults(unread="Failed to connect to the host via ssh"),
        HostResults(),
        None,
    ],
)
def test_a_backup_server_that_was_not_read_is_never_healthy(results: HostResults | None) -> None:
    topology, requirements = resolved(*small())
    read = results_of(requirements, {})
    if results is None:
        del read["backup-eu"]
    else:
        read["backup-eu"] = results
    found = fleet_report(topology, requirements, read, [], NOW, "Fleet")
    assert found.state == "unread"
    books = server(found, "books")
    assert (books.state, books.rpo.text, books.details) == ("unread", "unknown", ())
    assert marks_of(found)["books"] == [Mark("unread", "not read")]
    if results is None:
        assert [host.problems[0].message for host in found.unread] == [NOT_IN_RUN]


def test_a_declared_server_that_barman_does_not_have_is_not_healthy() -> None:
    topology, requirements = resolved(*small())
    results = results_of(requirements, {})
    servers = results["backup-eu"].servers
    assert servers is not None
    servers["servers"]["former"] = servers["servers"].pop("books")
    found = fleet_report(topology, requirements, results, [], NOW, "Fleet")
    assert server(found, "books").problems[0].message == "backup-eu has no entry of the server. Deploy it."
    former = server(found, "former")
    assert (former.host, former.state, former.problems[0].title) == ("", "warning", "not declared")


def test_failed_checks_of_barman_are_problems() -> None:
    topology, requirements = resolved(*small())
    results = results_of(requirements, {})
    checks = {"ssh": check("ssh", ok=False), "retention": check("retention", ok=False, ignored=True)}
    results["backup-eu"].checks["servers"]["books"]["checks"] = checks  # type: ignore[index]
    found = server(fleet_report(topology, requirements, results, [], NOW, "Fleet"), "books")
    assert [(one.state, one.title) for one in found.problems] == [
        ("failing", "check ssh"),
        ("warning", "check retention"),
    ]
    assert found.problems[0].message == "The check 'ssh' fails: it fails."
    assert found.problems[0].command == "sudo -u barman pgdr-barman check books"


def test_without_checks_the_page_shows_that() -> None:
    topology, requirements = resolved(*small())
    results = {host: dataclasses.replace(one, checks=None) for host, one in results_of(requirements, {}).items()}
    assert not fleet_report(topology, requirements, results, [], NOW, "Fleet").checked
    assert report().checked


def test_a_server_without_checks_is_not_healthy_if_others_were_checked() -> None:
    topology, requirements = resolved(*small())
    results = results_of(requirements, {})
    del results["backup-eu"].checks["servers"]["books"]  # type: ignore[index]
    results["backup-us"] = dataclasses.replace(results["backup-us"], checks=None, unchecked="no space on the disk")
    found = fleet_report(topology, requirements, results, [], NOW, "Fleet")
    assert found.counts() == [("failing", 0), ("unread", 0), ("warning", 3), ("healthy", 2)]
    (problem,) = server(found, "books").problems
    assert (problem.title, problem.message) == ("checks not run", "This run checked other servers only.")
    assert [one.message for one in server(found, "books", "backup-us").problems] == ["no space on the disk"]
    assert [(host.name, host.state, host.failure) for host in found.hosts] == [
        ("backup-eu", "healthy", ""),
        ("backup-us", "warning", "no space on the disk"),
    ]
    assert marks_of(found)["books"] == [Mark("warning", "checks not run")]


@pytest.mark.parametrize(
    ("changes", "state", "title"),
    [
        ({"rpo": {"seconds": None, "limit": "postgresql_not_asked"}}, "unread", "RPO unknown"),
        ({"recovery_window": None, "recovery_windows_unknown": "a cloud"}, "unread", "recovery window unknown"),
        ({"recovery_window": None}, "failing", "recovery window none"),
        ({"faults": [OLD_DRILL], "rpo": {"seconds": None}}, "unread", "RPO unknown"),
    ],
)
def test_a_server_of_unknown_values_is_not_healthy(changes: dict[str, Any], state: str, title: str) -> None:
    found = report(books=changes)
    assert server(found, "books").state == state
    assert server(found, "books").problems[-1].title == title
    assert Mark(state, title) in marks_of(found)["books"]  # type: ignore[arg-type]
    # The copy has the same values.
    assert Mark(state, f"books: {title}") in marks_of(found)["backup-us"]  # type: ignore[arg-type]


def test_nothing_can_be_recovered() -> None:
    nothing: dict[str, Any] = {
        "recovery_window": None,
        "recovery_windows": [],
        "last_backup": None,
        "last_proven_restore": None,
    }
    found = server(report(books={**nothing, "rpo": {"unlimited": True, "limit": "no_backup"}}), "books")
    assert [found.rpo.text, found.window.text, found.backup.text, found.restore.text] == [
        "everything",
        "none",
        "none",
        "never",
    ]
    unknown = server(
        report(books={"recovery_window": None, "recovery_windows_unknown": "the WAL is in a cloud"}), "books"
    )
    assert (unknown.window.text, unknown.window.note, unknown.window.state) == (
        "unknown",
        "the WAL is in a cloud",
        "unread",
    )


def test_a_full_disk_is_a_problem_of_the_backup_server() -> None:
    topology, requirements = resolved(*small())
    results = results_of(requirements, {})
    disk = {
        "name": "BarmanDiskFilling",
        "severity": "critical",
        "subject": "/var/lib/barman",
        "message": "5 bytes are free",
        "remedy": "Free space.",
    }
    results["backup-eu"].servers["disk_faults"].append(disk)  # type: ignore[index]
    found = fleet_report(topology, requirements, results, [], NOW, "Fleet")
    assert found.state == "failing"
    assert marks_of(found) == {"backup-eu": [Mark("failing", "disk filling")]}


def test_drills_of_the_ledger() -> None:
    topology, requirements = resolved(*small())
    results = results_of(requirements, {})
    results["backup-eu"].drills["servers"]["books"]["drills"] = [FAILED_DRILL] * 9  # type: ignore[index]
    found = server(fleet_report(topology, requirements, results, [], NOW, "Fleet"), "books")
    assert len(found.drills) == 5
    assert (found.drills[0].result, found.drills[0].reason) == ("failed", "replay: WAL is missing")


def test_findings_are_advice_and_accepted_ones_are_listed_as_accepted() -> None:
    found = report(None, FINDING, ACCEPTED, {**FINDING, "severity": "notice", "code": "never_drilled"})
    assert [one.code for one in found.findings] == ["no_second_copy", "never_drilled"]
    assert [(one.subject, one.accepted) for one in found.accepted] == [("ledger", "A test system (until 2027-01-01)")]
    assert marks_of(found) == {"books": [Mark("warning", "no second copy")]}
    assert [one.code for one in server(found, "books").findings] == ["no_second_copy", "never_drilled"]


def test_a_critical_finding_is_marked_as_failing() -> None:
    found = report(None, {**FINDING, "severity": "critical", "code": "same_machine"})
    assert marks_of(found) == {"books": [Mark("failing", "same machine")]}


def test_a_finding_whose_subject_names_the_cause_is_marked_on_the_host() -> None:
    found = report(None, {**FINDING, "code": "shared_ssh_key", "subject": "books SHA256:6pOqXlVb"})
    assert marks_of(found) == {"books": [Mark("warning", "shared ssh key")]}


def test_a_finding_of_a_zone_is_marked_on_the_backup_servers_that_have_the_only_copies() -> None:
    """orders-2 of zone eu has no copy in zone us."""
    zone = {**FINDING, "code": "single_zone", "subject": "eu"}
    assert marks_of(report(None, zone)) == {"backup-eu": [Mark("warning", "single zone")]}
    assert marks_of(report(None, {**zone, "accepted": ACCEPTED["accepted"]})) == {}
    servers, backups = small()
    # Its servers have a copy elsewhere.
    backups["backup-2"] = {**backups["backup-eu"], "barman_address": "192.0.2.40"}
    servers["books"]["barman_backup_server"] = "backup-2"
    topology, requirements = resolved(servers, backups)
    found = fleet_report(topology, requirements, results_of(requirements, {}), [zone], NOW, "Fleet")
    assert marks_of(found) == {"backup-eu": [Mark("warning", "single zone")]}


def test_every_fault_has_a_command() -> None:
    assert set(COMMANDS) == {kind.name for kind, _finding in FAULTS} | {DISK.name}
    assert (
        command_for("BarmanSlotLost", "a b")
        == "ansible-playbook pgdr.barman.repair -i INVENTORY -e barman_servers='a b'"
    )
    assert title_of("BarmanSlotRetainsWal") == "slot retains WAL"


@pytest.mark.parametrize(
    ("time", "age"),
    [
        ({"seconds": 5}, "5 seconds ago"),
        ({"seconds": -5}, "0 seconds ago"),
        ({"seconds": 119}, "119 seconds ago"),
        ({"minutes": 61}, "61 minutes ago"),
        ({"hours": 47}, "47 hours ago"),
        ({"days": 3}, "3 days ago"),
        ({"hours": -3}, "in 3 hours"),
    ],
)
def test_ages_in_words(time: dict[str, float], age: str) -> None:
    moment = words.moment(ago(**time), NOW)
    assert moment is not None
    assert (moment.age, moment.iso) == (age, ago(**time))


def test_times_are_in_utc() -> None:
    moment = words.moment("2026-11-20T10:00:00+02:00", NOW)
    assert moment is not None
    assert moment.text == "2026-11-20 08:00:00 UTC"
    outside = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
    assert [words.moment(value, NOW) for value in (None, "yesterday", "2026-11-20T08:00:00", *outside)] == [None] * 5
    assert datetime.fromisoformat(moment.iso).utcoffset() == timedelta(0)


def test_sizes() -> None:
    assert [words.bytes_text(count) for count in (0, 999, 1000, 16777216, 2.5e11, 1e18)] == [
        *("0 bytes", "999 bytes", "1.0 kB", "16.8 MB", "250 GB", "1000 PB"),
    ]
