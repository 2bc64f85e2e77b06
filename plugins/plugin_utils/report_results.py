# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules returned on the backup servers of a run, for the report. This plugin util is private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.architecture import draw
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.dot import dot
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import described
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.svg import themed
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.fleet import (
    NOT_IN_RUN,
    fleet_report,
    marks_of,
    utc_now,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.page import page
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.report import FleetReport, HostResults
from ansible_collections.pgdr.barman.plugins.plugin_utils.graphviz import rendered
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import topology_of


def read_report(arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> FleetReport:
    """The report about the fleet of a run. arguments: of the action report. Raises AnsibleActionFail."""
    resolved = topology_of(arguments["registered"], variables)
    names = (arguments[name] for name in ("servers", "checks", "drills"))
    results = results_of(resolved["topology"]["backup_servers"], variables["hostvars"], *names)
    findings = findings_of(variables.get(arguments["findings"]), resolved)
    topology, requirements = resolved["topology"], resolved["requirements"]
    return fleet_report(topology, requirements, results, findings, utc_now(), arguments["title"])


def page_of(report: FleetReport, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """The page with its picture. Raises AnsibleActionFail if Graphviz does not draw it."""
    resolved = topology_of(arguments["registered"], variables)
    # With an empty list of findings, nothing is single.
    picture = draw(resolved["topology"], marks_of(report), advised="advice" in resolved)
    return page(report, themed(rendered(dot(picture)), "Architecture", described(picture)))


def results_of(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], servers: str, checks: str, drills: str
) -> dict[str, HostResults]:
    """By backup server. servers, checks, drills: the names of the variables with the results of the modules."""
    found = {}
    for host in hosts:
        variables = hostvars[host]
        read = variables.get(servers)
        unread = _why_unread(read)
        found[host] = (
            HostResults(unread=unread)
            if unread
            else HostResults(
                read,
                _succeeded(variables.get(checks)),
                _succeeded(variables.get(drills)),
                unchecked=_why_unchecked(variables.get(checks)),
            )
        )
    return found


def findings_of(preflight: Any, resolved: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings of a preflight, which has measured; without it those of the inventory.

    preflight: what preflight_report returned in this run, if it ran. resolved: what module topology returned.
    """
    measured = preflight.get("result") if isinstance(preflight, Mapping) else None
    found = measured if isinstance(measured, Mapping) and "findings" in measured else resolved.get("advice") or {}
    return list(found.get("findings") or ())


def _why_unread(result: Any) -> str:
    """Why a backup server has no facts; "" if it has."""
    if not isinstance(result, Mapping) or result.get("skipped"):
        return NOT_IN_RUN
    if result.get("unreachable"):
        return f"The host was not reached: {result.get('msg') or 'no reason is known'}"
    if result.get("failed") or "servers" not in result:
        return f"The host was not read: {result.get('msg') or 'no reason is known'}"
    return ""


def _why_unchecked(result: Any) -> str:
    """Why the checks of a backup server could not be run; "" if they were, or if nothing tried."""
    if not isinstance(result, Mapping) or result.get("skipped") or "servers" in result:
        return ""
    return f"Barman's checks were not run: {result.get('msg') or 'no reason is known'}"


def _succeeded(result: Any) -> Mapping[str, Any] | None:
    """The result of a module that ran to its end, also if it reports failures of servers."""
    if not isinstance(result, Mapping) or result.get("skipped") or "servers" not in result:
        return None
    return result
