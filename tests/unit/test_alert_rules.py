# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alert rules, with promtool and with the metrics that the code makes: each fault raises one alert, and a healthy server none.

promtool's own clock begins at 0, so the metrics of a host at NOW are moved to AT. After ENDED the host is healthy again.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.faults import COVERED, DISK, FAULTS
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.limits import Limits
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.metrics import families, metrics_text
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.sample_history import SampleHistory
from tests.conftest import REPOSITORY
from tests.tools import debian
from tests.unit.plugins.module_utils._barman.barman_host import segment
from tests.unit.plugins.module_utils._monitoring import test_faults as broken
from tests.unit.plugins.module_utils._monitoring.postgres_answers import NO_RECEIVER, row
from tests.unit.plugins.module_utils._monitoring.watched_host import NOW, WatchedHost

RULES = REPOSITORY / "roles" / "monitoring" / "files" / "barman.rules.yml"
ALERTS: Mapping[str, Mapping[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
KINDS = {kind.name: kind for kind, _finding in FAULTS}
OF_THE_HOST = ("BarmanMetricsStale", "BarmanMetricsAbsent", "BarmanCronStopped", DISK.name)
TARGET = 'instance="backup:9100",job="node"'
# Minutes: of the fault's first metrics, of the moment that these describe, of the end of the fault, of the last sample.
BEGUN, AT, ENDED, LAST = 6, 8, 13, 18
#: When the alert of a fault has to fire: its metrics are up to a minute old, and Prometheus reads them within a quarter of one, so 3 minutes in all.
FIRST = BEGUN + 2


#: The times of the metrics themselves go on: cron starts a process each minute.
OWN_TIMES = ("pgdr_barman_metrics_timestamp_seconds", "pgdr_barman_metrics_start_timestamp_seconds")


@pytest.fixture(scope="session")
def program() -> Path:
    return debian.program(debian.PROMTOOL)


def run(program: Path, *arguments: str | Path, text: str | None = None) -> None:
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def series(host: WatchedHost, limits: Limits) -> dict[str, float]:
    """The samples, with points in time moved to promtool's clock."""
    found = {}
    observed = host.observe()
    # A receiver that is stopped now was stopped two minutes before, too.
    history = SampleHistory(NOW, {"pg": NOW - 120}).with_sample(observed)
    for line in metrics_text(observed, limits, history).splitlines():
        if line.startswith("#"):
            continue
        name, value = line.rsplit(" ", 1)
        number = float(value)
        if "_timestamp_seconds" in name and number:
            number += AT * 60 - NOW
        labels = name.rstrip("}").split("{")
        found["{}{{{}}}".format(labels[0], ",".join([*labels[1:], TARGET]))] = number
    return found


def inputs(faulty: Mapping[str, float], healthy: Mapping[str, float]) -> list[dict[str, str]]:
    """Healthy, then the fault, then healthy again. The time of the metrics themselves goes on."""
    given = []
    for name in sorted({*faulty, *healthy}):
        if name.startswith(OWN_TIMES):
            given.append({"series": name, "values": f"0+60x{LAST}"})
            continue
        good, bad = (f"{side[name]:.17g}" if name in side else "_" for side in (healthy, faulty))
        good, bad = good.replace("inf", "Inf"), bad.replace("inf", "Inf")
        parts = [(good, BEGUN), (bad, ENDED - BEGUN), (good, LAST - ENDED)]
        given.append(
            {"series": name, "values": " ".join(f"stale _x{n - 1}" if v == "_" else f"{v}+0x{n - 1}" for v, n in parts)}
        )
    return given


def check_alerts(program: Path, path: Path, given: list[dict[str, str]], expected: Mapping[int, list[str]]) -> None:
    """expected: the names of the alerts that fire, by minute."""
    tests = [
        {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": [alert(name, minute)] if name in names else []}
        for minute, names in expected.items()
        for name in ALERTS
    ]
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "15s",
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": tests}],
    }
    path.write_text(yaml.safe_dump(document))
    run(program, "test", "rules", path)


def alert(name: str, minute: int) -> dict[str, Any]:
    summary = (FIRST_SUMMARIES if minute == FIRST else {}).get(name) or SUMMARIES.get(name, plain(name, "summary"))
    return {
        "exp_labels": {
            "severity": ALERTS[name]["labels"]["severity"],
            "server": "pg",
            "instance": "backup:9100",
            "job": "node",
        },
        "exp_annotations": {"summary": summary, "remedy": plain(name, "remedy")},
    }


def plain(name: str, annotation: str) -> str:
    return str(ALERTS[name]["annotations"][annotation]).replace("{{ $labels.server }}", "pg")


#: Those with a value.
SUMMARIES: dict[str, str] = {
    "BarmanReceiverLagging": "pg: the WAL receiver is 5m 1s behind",
    "BarmanSlotRetainsWal": "pg: the replication slot retains 3.5GiB of WAL on the PostgreSQL host",
    "BarmanTwoPrimaries": "pg: 2 members of the cluster are primaries",
    "BarmanWalMissing": "pg: 1 WAL segments are missing after the newest backup: nothing after them can be recovered",
    "BarmanWalNotDelivered": "pg: PostgreSQL reports 2 segments as archived that are not on the backup server",
    "BarmanWalNotArchived": "pg: received WAL has not been archived for 9m 1s",
    "BarmanBackupTooOld": "pg: the newest valid backup is 3d 1h 4m 0s old",
    "BarmanVerificationFailed": "pg: 1 stored files are damaged",
    "BarmanVerificationTooOld": "pg: a backup or WAL segment has not been read for 9m 0s",
    "BarmanDrillTooOld": "pg: no restore has been proven for 34m 0s",
}
#: The ages of the same, when they fire first.
FIRST_SUMMARIES: dict[str, str] = {
    "BarmanWalNotArchived": "pg: received WAL has not been archived for 5m 1s",
    "BarmanBackupTooOld": "pg: the newest valid backup is 3d 1h 0m 0s old",
}


def inactive(host: WatchedHost) -> None:
    path = host.host.directory / "pg.conf"
    path.write_text(path.read_text() + "active = false\n")


CASES = [
    (inactive, "BarmanServerInactive"),
    (broken.unreadable, "BarmanServerUnreadable"),
    (broken.unreachable, "BarmanPostgresUnreachable"),
    (broken.stopped, "BarmanReceiverStopped"),
    (broken.not_streaming, "BarmanReceiverStopped"),
    (broken.stopped_for_long, "BarmanReceiverStopped"),
    (broken.slot_lost, "BarmanSlotLost"),
    (broken.slot_missing, "BarmanSlotMissing"),
    (broken.lagging, "BarmanReceiverLagging"),
    (broken.retaining, "BarmanSlotRetainsWal"),
    (broken.synchronous, "BarmanSynchronousStandbyMissing"),
    (broken.gap, "BarmanWalMissing"),
    (broken.never_complete, "BarmanBackupMissing"),
    (broken.no_backup, "BarmanBackupMissing"),
    (broken.old_backup, "BarmanBackupTooOld"),
    (broken.old_backup_and_a_failed_one, "BarmanBackupTooOld"),
    (broken.failed_backup, "BarmanBackupFailed"),
    (broken.no_files, "BarmanBackupFilesMissing"),
    (broken.waiting, "BarmanWalNotArchived"),
    (broken.drill_failed, "BarmanDrillFailed"),
    (broken.file_damaged, "BarmanVerificationFailed"),
    (broken.interrupted_backup, "BarmanCheckFailed"),
]


def test_the_rules_are_valid(program: Path) -> None:
    run(program, "check", "rules", "--lint-fatal", RULES)


def test_each_fault_of_the_code_has_a_rule_with_the_same_remedy() -> None:
    assert set(ALERTS) == {*KINDS, *OF_THE_HOST}
    for name, kind in {**KINDS, DISK.name: DISK}.items():
        label = "mountpoint" if kind is DISK else "server"
        remedy = kind.remedy.replace("{server}", "{{ $labels." + label + " }}")
        assert ALERTS[name]["annotations"]["remedy"] == remedy, name
        assert ALERTS[name]["labels"] == {"severity": kind.severity}, name


def test_a_metric_of_a_rule_exists(tmp_path: Path) -> None:
    host = WatchedHost(tmp_path)
    known = {family.name for family in families(host.observe(), Limits())}
    used = {name for rule in ALERTS.values() for name in re.findall(r"pgdr_barman_\w+", str(rule["expr"]))}
    assert used <= known


def test_checks_that_a_fault_covers_are_left_out() -> None:
    assert f'check!~"{"|".join(COVERED)}"' in ALERTS["BarmanCheckFailed"]["expr"]


def test_promtool_reads_the_metrics(program: Path, tmp_path: Path) -> None:
    run(program, "check", "metrics", text=metrics_text(WatchedHost(tmp_path).observe()))


def test_a_healthy_server_raises_no_alert(program: Path, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    host = WatchedHost(tmp_path / "host")
    healthy = series(host, Limits(backup={"pg": 1e6}))
    check_alerts(program, tmp_path / "test.yml", inputs(healthy, healthy), {minute: [] for minute in range(3, LAST, 3)})


def test_a_quiet_hour_raises_no_alert(program: Path, tmp_path: Path) -> None:
    """Nobody writes: no time of the server moves, but that of the metrics."""
    (tmp_path / "host").mkdir()
    healthy = series(WatchedHost(tmp_path / "host"), Limits(backup={"pg": 1e6}))
    minutes = AT + 60
    given = [
        {"series": name, "values": f"0+60x{minutes}" if name.startswith(OWN_TIMES) else f"{value:.17g}+0x{minutes}"}
        for name, value in healthy.items()
    ]
    assert len(given) > 20
    check_alerts(program, tmp_path / "test.yml", given, {minute: [] for minute in range(3, minutes, 5)})


@pytest.mark.parametrize(("break_it", "expected"), CASES)
def test_each_fault_raises_one_alert_and_clears(
    program: Path, tmp_path: Path, break_it: Callable[[WatchedHost], None], expected: str
) -> None:
    hosts = []
    for name in ("healthy", "faulty"):
        (tmp_path / name).mkdir()
        hosts.append(WatchedHost(tmp_path / name))
    break_it(hosts[1])
    given = inputs(series(hosts[1], Limits()), series(hosts[0], Limits()))
    moments = {BEGUN - 1: [], FIRST: [expected], ENDED - 1: [expected], ENDED + 1: []}
    check_alerts(program, tmp_path / "test.yml", given, moments)


def test_a_lost_slot_raises_one_alert_until_the_next_backup_and_later_gaps_their_own(
    program: Path, tmp_path: Path
) -> None:
    """The receiver is reset before the backup: meanwhile the lost WAL is missing, from the same cause."""
    found: list[dict[str, float]] = []
    for break_it in (lambda _host: None, broken.slot_lost, broken.gap):
        directory = tmp_path / str(len(found))
        directory.mkdir()
        host = WatchedHost(directory)
        break_it(host)
        found.append(series(host, Limits()))
    healthy, lost, gap = found
    # Minutes, each the first of the next phase: slot lost, receiver reset, backup taken, another gap, repaired.
    lost_at, reset_at, backup_at, gap_at, end, last = 6, 12, 20, 26, 32, 36
    phases = [(healthy, lost_at), (lost, reset_at - lost_at), (gap, backup_at - reset_at)]
    phases += [(healthy, gap_at - backup_at), (gap, end - gap_at), (healthy, last - end)]
    given = []
    for name in sorted({*healthy, *lost, *gap}):
        if name.startswith(OWN_TIMES):
            given.append({"series": name, "values": f"0+60x{last}"})
            continue
        values = []
        for number, (side, minutes) in enumerate(phases):
            value = f"{side[name]:.17g}".replace("inf", "Inf") if name in side else "_"
            if name.startswith("pgdr_barman_backup_last_success_timestamp_seconds") and number >= 3:
                value = str(backup_at * 60)
            values.append(f"stale _x{minutes - 1}" if value == "_" else f"{value}+0x{minutes - 1}")
        given.append({"series": name, "values": " ".join(values)})
    names = {minute: ["BarmanSlotLost"] for minute in range(lost_at + 1, backup_at)}
    names |= {minute: [] for minute in (lost_at - 1, *range(backup_at + 1, gap_at))}
    names |= {minute: ["BarmanWalMissing"] for minute in range(gap_at + 2, end)} | {end + 1: []}
    check_alerts(program, tmp_path / "test.yml", given, names)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (row(**NO_RECEIVER, last_failed_time=NOW - 60, last_failed_wal=segment(9)), "BarmanArchiveFailing"),
        (row(**NO_RECEIVER, last_archived_wal=segment(10)), "BarmanWalNotDelivered"),
        (row(**NO_RECEIVER, archive_mode="off"), "BarmanArchiveFailing"),
        (row(**NO_RECEIVER, archive_mode="off", last_archived_wal=segment(10)), "BarmanArchiveFailing"),
        (row(lsn="0/B000001", **NO_RECEIVER), "BarmanArchiveFailing"),
        (row(lsn="0/B000001", **NO_RECEIVER, last_archived_wal=segment(10)), "BarmanWalNotDelivered"),
    ],
)
def test_archiving(program: Path, tmp_path: Path, answer: dict[str, Any], expected: str) -> None:
    hosts = []
    for name in ("healthy", "faulty"):
        (tmp_path / name).mkdir()
        hosts.append(WatchedHost(tmp_path / name, **broken.ARCHIVING))
        hosts[-1].age_wal(301)
        hosts[-1].answer = {**(answer if name == "faulty" else row(**NO_RECEIVER)), "last_archived_time": NOW - 100}
    given = inputs(series(hosts[1], Limits()), series(hosts[0], Limits()))
    check_alerts(program, tmp_path / "test.yml", given, {BEGUN - 1: [], ENDED - 1: [expected], ENDED + 1: []})


@pytest.mark.parametrize(("break_it", "expected"), broken.CLUSTERS)
def test_clusters(program: Path, tmp_path: Path, break_it: Callable[[WatchedHost], None], expected: str) -> None:
    hosts = []
    for name in ("healthy", "faulty"):
        (tmp_path / name).mkdir()
        hosts.append(WatchedHost.cluster(tmp_path / name))
    break_it(hosts[1])
    given = inputs(series(hosts[1], Limits()), series(hosts[0], Limits()))
    moments = {BEGUN - 1: [], FIRST: [expected], ENDED - 1: [expected], ENDED + 1: []}
    check_alerts(program, tmp_path / "test.yml", given, moments)


def drilled_long_ago(host: WatchedHost) -> None:
    host.record("drill", "passed")


def read_long_ago(host: WatchedHost) -> None:
    host.record("verification", "passed", unread_since="2027-01-15T07:55:00+00:00", damages=[], damaged_files=0)


@pytest.mark.parametrize(
    ("prepare", "limits", "expected"),
    [
        (drilled_long_ago, Limits(drill={"pg": 600.0}), "BarmanDrillTooOld"),
        (read_long_ago, Limits(verification={"pg": 60.0}), "BarmanVerificationTooOld"),
    ],
)
def test_a_proof_that_is_older_than_the_inventory_allows(
    program: Path, tmp_path: Path, prepare: Callable[[WatchedHost], None], limits: Limits, expected: str
) -> None:
    hosts = []
    for name in ("healthy", "faulty"):
        (tmp_path / name).mkdir()
        hosts.append(WatchedHost(tmp_path / name))
        prepare(hosts[-1])
    given = inputs(series(hosts[1], limits), series(hosts[0], Limits()))
    check_alerts(program, tmp_path / "test.yml", given, {BEGUN - 1: [], ENDED - 1: [expected], ENDED + 1: []})


def test_a_server_that_no_drill_ever_proved(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SUMMARIES, "BarmanDrillTooOld", "pg: no restore was ever proven by a drill")
    limits = Limits(drill={"pg": 600.0})
    test_a_proof_that_is_older_than_the_inventory_allows(
        program, tmp_path, lambda _host: None, limits, "BarmanDrillTooOld"
    )


def test_a_text_has_no_age_since_1970(tmp_path: Path) -> None:
    """A time of 0 stands for never. The waiting segments say whether there is an oldest one."""
    never = [family.name for family in families(WatchedHost(tmp_path).observe(), Limits()) if " 0: " in family.help]
    assert "pgdr_barman_drill_last_success_timestamp_seconds" in never
    for name, rule in ALERTS.items():
        if "$value | humanizeDuration" not in str(rule["annotations"]["summary"]):
            continue
        for metric in re.findall(r"time\(\) - (\w+)", str(rule["expr"])):
            compared = metric.replace("oldest_timestamp_seconds", "segments")
            assert metric not in never or re.search(rf"\b{compared} (!=|>) 0\b", rule["expr"]), (name, metric)


@pytest.mark.parametrize("metric", ["passive_overdue_seconds", "passive_contact_timestamp_seconds"])
def test_a_passive_copy_that_does_not_follow(program: Path, tmp_path: Path, metric: str) -> None:
    name = f'pgdr_barman_{metric}{{server="pg",{TARGET}}}'
    # Promtool's clock begins at 0: a contact 2000 seconds before AT.
    good, bad = (0.0, 1801.0) if "overdue" in metric else (AT * 60.0, AT * 60.0 - 2000.0)
    given = [*inputs({name: bad}, {name: good}), ALIVE]
    moments = {BEGUN - 1: [], FIRST: ["BarmanPassiveLate"], ENDED - 1: ["BarmanPassiveLate"], ENDED + 1: []}
    check_alerts(program, tmp_path / "test.yml", given, moments)


#: The metrics themselves are there.
ALIVE = {"series": f"pgdr_barman_metrics_timestamp_seconds{{{TARGET}}}", "values": f"0+60x{LAST}"}


@pytest.mark.parametrize(("free", "exhausted"), [(4.0, float("inf")), (50.0, 86400.0)])
def test_a_disk_that_is_full_soon(program: Path, tmp_path: Path, free: float, exhausted: float) -> None:
    labels = f'mountpoint="/var/lib/barman",{TARGET}'
    names = [f"pgdr_barman_disk_{name}{{{labels}}}" for name in ("free_bytes", "size_bytes", "exhaustion_seconds")]
    given = [
        *inputs(
            dict(zip(names, (free, 100.0, exhausted), strict=True)),
            dict(zip(names, (50.0, 100.0, float("inf")), strict=True)),
        ),
        ALIVE,
    ]
    annotations = {key: str(text) for key, text in ALERTS[DISK.name]["annotations"].items()}
    for key, text in annotations.items():
        filled = text.replace("{{ $labels.mountpoint }}", "/var/lib/barman")
        annotations[key] = filled.replace("{{ $labels.instance }}", "backup:9100")
    fired = {
        "exp_labels": {
            "severity": "critical",
            "instance": "backup:9100",
            "job": "node",
            "mountpoint": "/var/lib/barman",
        },
        "exp_annotations": annotations,
    }
    tests = [
        {"eval_time": f"{minute}m", "alertname": DISK.name, "exp_alerts": found}
        for minute, found in ((BEGUN - 1, []), (FIRST, [fired]), (ENDED - 1, [fired]), (ENDED + 1, []))
    ]
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "15s",
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": tests}],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(document))
    run(program, "test", "rules", path)


def test_each_alert_has_a_case() -> None:
    """Those of archiving and of the metrics themselves have tests of their own."""
    own = {"BarmanArchiveFailing", "BarmanWalNotDelivered", "BarmanMetricsStale", "BarmanMetricsAbsent"}
    own |= {"BarmanCronStopped", "BarmanDrillTooOld", "BarmanVerificationTooOld", "BarmanPassiveLate", DISK.name}
    assert own.isdisjoint(expected for _break_it, expected in CASES)
    assert {expected for _break_it, expected in [*CASES, *broken.CLUSTERS]} | own == set(ALERTS)


def test_a_history_that_can_not_be_read(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = "pg: the history of a timeline can't be read, so missing WAL is not known"
    monkeypatch.setitem(SUMMARIES, "BarmanWalMissing", summary)
    test_each_fault_raises_one_alert_and_clears(program, tmp_path, broken.history_unreadable, "BarmanWalMissing")


def test_a_verification_that_failed(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SUMMARIES, "BarmanVerificationFailed", "pg: the last verification of stored files failed")
    case = (broken.verification_failed, "BarmanVerificationFailed")
    test_each_fault_raises_one_alert_and_clears(program, tmp_path, *case)


def test_metrics_that_stop_metrics_that_disappear_and_cron_that_stops(program: Path, tmp_path: Path) -> None:
    """Their own alert names the backup server. docs/monitoring.md shows how Alertmanager inhibits the others while metrics are stale."""

    def expected(alert_name: str, summary: str) -> dict[str, Any]:
        labels = {"severity": "critical", "instance": "backup:9100", "job": "node"}
        remedy = str(ALERTS[alert_name]["annotations"]["remedy"]).replace("{{ $labels.instance }}", "backup:9100")
        return {"exp_labels": labels, "exp_annotations": {"summary": summary, "remedy": remedy}}

    alerts = {
        "BarmanMetricsStale": expected("BarmanMetricsStale", "backup:9100: no metrics of Barman for 2m 0s"),
        "BarmanMetricsAbsent": expected("BarmanMetricsAbsent", "backup:9100: the metrics of Barman have disappeared"),
        "BarmanCronStopped": expected("BarmanCronStopped", "backup:9100: cron has not run pgdr-barman for 3m 0s"),
    }
    goes_on, stops, disappears = "0+60x20", "0+60x10 600+0x10", "0+60x10 stale _x10"
    for made, started, minute, names in (
        (goes_on, goes_on, 20, []),
        (stops, stops, 12, ["BarmanMetricsStale"]),
        (disappears, disappears, 14, ["BarmanMetricsAbsent"]),
        (goes_on, stops, 13, ["BarmanCronStopped"]),
        # The fault begins up to a minute after the last start.
        (goes_on, stops, 11, []),
    ):
        tests = [
            {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": [found] if name in names else []}
            for name, found in alerts.items()
        ]
        document = {
            "rule_files": [str(RULES)],
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [
                        {"series": f"{name}{{{TARGET}}}", "values": values}
                        for name, values in zip(OWN_TIMES, (made, started), strict=True)
                    ],
                    "alert_rule_test": tests,
                }
            ],
        }
        path = tmp_path / "test.yml"
        path.write_text(yaml.safe_dump(document))
        run(program, "test", "rules", path)
