# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks return to their caller with set_stats, such as to the next job of an AWX workflow. This plugin util is private to the collection.

Pure: no input or output. Each result has "ok", which is false if anything failed, and "failed_hosts": the hosts that the run lost before its end. docs/awx.md
documents the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import Assessment
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.finding import Finding
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import Forecast, ForecastError
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.report import FleetReport
from ansible_collections.pgdr.barman.plugins.plugin_utils.tables import (
    Jobs,
    Results,
    backup_failures,
    check_failures,
    drill_failures,
    drill_of,
    is_failed_backup,
    is_failed_drill,
    left_of_drills,
    repair_failures,
    sync_failures,
)


def backup_result(done: Jobs, failed_hosts: Iterable[str], *, check_mode: bool) -> dict[str, Any]:
    """done: pairs of Barman's name and what module backup returned, by backup server."""
    backups = [
        {
            "backup_server": host,
            "server": name,
            "ok": check_mode or not is_failed_backup(job),
            "changed": bool(job.get("changed")),
            "backup_id": (job.get("backup") or {}).get("id"),
            "size": (job.get("backup") or {}).get("size"),
            "seconds": (job.get("backup") or {}).get("duration"),
        }
        for host, jobs in done.items()
        for name, job in jobs
    ]
    return _result(failed_hosts, backup_failures(done, check_mode=check_mode), check_mode=check_mode, backups=backups)


def check_result(checked: Results, failed_hosts: Iterable[str], *, check_mode: bool) -> dict[str, Any]:
    """checked: what module check returned, by backup server."""
    servers = [
        {
            "backup_server": host,
            "server": name,
            "ok": server["ok"],
            "failed_checks": [
                check["name"] for check in server["checks"].values() if not check["ok"] and not check["ignored"]
            ],
        }
        for host, result in checked.items()
        for name, server in (result.get("servers") or {}).items()
    ]
    return _result(failed_hosts, check_failures(checked), check_mode=check_mode, servers=servers)


def drill_result(done: Jobs, failed_hosts: Iterable[str], *, check_mode: bool) -> dict[str, Any]:
    """done: pairs of Barman's name and what module drill returned, by backup server."""
    drills = [
        {
            "backup_server": host,
            "server": name,
            "ok": not is_failed_drill(name, job),
            "backup_id": drill.get("backup_id"),
            "failed_phase": drill.get("failed_phase"),
            "rto_seconds": drill.get("rto_seconds"),
            "proven_until": (drill.get("rpo") or {}).get("commit_time"),
        }
        for host, jobs in done.items()
        for name, job in jobs
        for drill in [drill_of(name, job)]
    ]
    left = [
        {"backup_server": host, "server": one["server"], "host": one["host"], "directory": one["directory"]}
        for host, jobs in done.items()
        for one in left_of_drills(jobs)
    ]
    return _result(failed_hosts, drill_failures(done), check_mode=check_mode, drills=drills, left=left)


def repair_result(repaired: Mapping[str, Results], failed_hosts: Iterable[str], *, check_mode: bool) -> dict[str, Any]:
    """repaired: what module repair returned of each server, by backup server and Barman's name. check_mode: nothing was done yet."""
    servers: list[dict[str, Any]] = [
        {
            "backup_server": host,
            "server": name,
            "ok": not result.get("error"),
            "changed": bool(result["changed"]),
            "reasons": [reason["code"] for reason in result.get("reasons") or ()],
            "steps": list(result.get("steps") or ()),
            "backup_id": (result.get("backup") or {}).get("id"),
        }
        for host, results in repaired.items()
        for name, result in results.items()
    ]
    waiting = [one for one in servers if check_mode and one["changed"] and one["ok"]]
    to_repair: dict[str, list[str]] = {}
    for one in waiting:
        to_repair.setdefault(one["backup_server"], []).append(one["server"])
    texts = [f"server '{one['server']}' on {one['backup_server']}: {', '.join(one['steps'])}" for one in waiting]
    return {
        **_result(failed_hosts, repair_failures(repaired), check_mode=check_mode, servers=servers),
        "to_repair": to_repair,
        "summary": f"Repair {'; '.join(texts)}." if texts else "",
    }


def report_result(report: FleetReport, file: str, *, check_mode: bool) -> dict[str, Any]:
    """report: of the page that was written to the file. A backup server that was not read or checked is a failure, a server that fails is none."""
    failures = {host.name: [host.failure] for host in report.hosts if host.failure}
    counts = dict(report.counts())
    return _result(failures, failures, check_mode=check_mode, file=file, state=report.state, counts=counts)


def sync_result(copied: Results, failed_hosts: Iterable[str], *, check_mode: bool) -> dict[str, Any]:
    """copied: what module sync returned of each server, by backup server."""
    copies = [
        {
            "backup_server": host,
            "server": name,
            "ok": not copy["error"],
            "changed": bool(copy["changed"]),
            "recoverable_up_to": (copy.get("recoverable") or {}).get("time"),
        }
        for host, servers in copied.items()
        for name, copy in servers.items()
    ]
    return _result(failed_hosts, sync_failures(copied), check_mode=check_mode, copies=copies)


def deploy_result(
    hosts: Iterable[str],
    failed_hosts: Iterable[str],
    waiting: Mapping[str, Iterable[str]],
    undeclared: Mapping[str, Iterable[str]],
    findings: Iterable[Mapping[str, Any]] = (),
    *,
    check_mode: bool,
) -> dict[str, Any]:
    """hosts: those at the end of the run. waiting: what the handover left, by host. undeclared: the messages on what the inventory does not declare.

    findings: those about the architecture that the inventory alone decides, accepted ones included.
    """
    return _result(
        failed_hosts,
        {},
        check_mode=check_mode,
        hosts=sorted(hosts),
        waiting={host: list(reasons) for host, reasons in waiting.items() if reasons},
        undeclared={host: list(messages) for host, messages in undeclared.items() if messages},
        findings=list(findings),
    )


def preflight_result(
    assessment: Assessment,
    predicted: tuple[Sequence[Forecast], Sequence[ForecastError]],
    failing: Iterable[Finding],
    failed_hosts: Iterable[str],
    *,
    check_mode: bool,
) -> dict[str, Any]:
    """predicted: the forecasts, and the errors of earlier ones. failing: the findings that fail the run; they are the failures, by subject."""
    failures: dict[str, list[str]] = {}
    for one in failing:
        failures.setdefault(one.subject, []).append(f"{one.code}: {one.evidence}")
    return _result(
        failed_hosts,
        failures,
        check_mode=check_mode,
        findings=[one.as_dict() for one in assessment.decided.findings],
        unmeasured=[one.as_dict() for one in assessment.unmeasured],
        expired=[str(one) for one in assessment.decided.expired],
        forecasts=[one.as_dict() for one in predicted[0]],
        forecast_errors=[one.as_dict() for one in predicted[1]],
    )


def decommission_result(
    names: Iterable[str],
    steps: Mapping[str, Iterable[str]],
    failed_hosts: Iterable[str],
    left: Iterable[str],
    packages: Mapping[str, Iterable[str]],
    *,
    check_mode: bool,
) -> dict[str, Any]:
    """steps: of each host. left: what stays, or is to be done manually. packages: those that deployments installed, by host. They stay, too."""
    return _result(
        failed_hosts,
        {},
        check_mode=check_mode,
        decommissioned=list(names),
        steps={host: list(those) for host, those in steps.items()},
        left=list(left),
        packages={host: list(those) for host, those in packages.items() if those},
    )


def recover_result(report: Mapping[str, Any], problems: Iterable[str]) -> dict[str, Any]:
    """report: of a recovery that has ended. problems: why it fails although the recovered server runs."""
    found = list(problems)
    return {"ok": not found, "failed_hosts": [], "problems": found, **report}


def _result(
    failed_hosts: Iterable[str], failures: Mapping[str, list[str]], *, check_mode: bool, **details: Any
) -> dict[str, Any]:
    lost = sorted(failed_hosts)
    reasons = {host: texts for host, texts in failures.items() if texts}
    return {
        "ok": not lost and not reasons,
        "check_mode": check_mode,
        "failed_hosts": lost,
        "failures": reasons,
        **details,
    }
