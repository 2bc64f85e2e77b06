# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an inventory as a whole: sources that Ansible did not read, groups without hosts, names that stand for two things.

This plugin util is private to the collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible.inventory.manager import IGNORED

from ansible_collections.pgdr.barman.plugins.module_utils._barman.options import nearest
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import problem_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Problem
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_variables import JOB_TEMPLATE
from ansible_collections.pgdr.barman.plugins.plugin_utils.controller import AWX_VARIABLES

_WORKFLOW_VARIABLES = ("awx_workflow_job_name", "tower_workflow_job_name")
_SLICING = (
    "This is a job of AWX. If its template has job slicing, each slice lacks the other hosts of the inventory with their variables and groups. This "
    "playbook needs all of them: set job slicing to 1, and choose hosts with the template's limit (--limit)."
)


def slice_of_a_job(variables: Mapping[str, Any]) -> Iterable[Problem]:
    """AWX runs the slices of a job in a workflow with the name of the job template. Source: JobTemplate.create_unified_job in ansible/awx.

    Nothing else marks a slice, so a slice of another template than those in controller/ is found only if something is missing in it.
    """
    template = variables.get(JOB_TEMPLATE)
    if template and template in [variables.get(name) for name in _WORKFLOW_VARIABLES]:
        yield Problem(
            "",
            str(template),
            "this job is a slice, which lacks the other hosts of the inventory with their variables and groups",
            "set job slicing of the template to 1, and choose hosts with the template's limit (--limit)",
        )


def unparsed_sources(hostvars: Any) -> Iterable[Problem]:
    """The inventory sources that Ansible could not parse: only a warning to Ansible, and their hosts are missing.

    Source: InventoryManager.parse_source, which records what it parsed.
    """
    manager = hostvars._inventory
    parsed = {str(source) for source in manager._inventory.processed_sources}
    for source in manager._sources:
        for path in _files_of(str(source)):
            if path not in parsed:
                yield Problem(
                    "",
                    path,
                    "Ansible could not read this inventory source, so its hosts are missing",
                    "correct it (ansible-inventory -i FILE --list shows the error), or leave it out",
                )


def _files_of(source: str) -> Iterable[str]:
    """An inventory source's files, as Ansible goes through them."""
    if not os.path.isdir(source):
        yield source
        return
    for name in sorted(os.listdir(source)):
        if not IGNORED.search(os.fsencode(name)):
            yield from _files_of(os.path.join(source, name))


def missing_group(variable: str, name: str, groups: Mapping[str, list[str]]) -> Iterable[Problem]:
    if groups.get(name):
        return
    like = nearest(name, (group for group in groups if group not in ("all", "ungrouped", name)))
    what = "has no host" if name in groups else "is not in the inventory"
    hint = f"; did you mean {like}?" if like else ""
    yield Problem(
        "",
        variable,
        f"the group {name} {what} (an inventory source that cannot be read is only a warning to Ansible)",
        f"put hosts into {name}, or name another group with {variable}{hint}",
    )


def shared_names(hosts: Iterable[str], groups: Mapping[str, list[str]]) -> list[str]:
    """A warning for each host that is named as a group with other hosts. Source: InventoryData.set_variable, which takes the name for the group's."""
    return [
        f"{host}: the inventory has a group of this name, too. Ansible gives the group the variables that are written at the host, ansible_host among them, so "
        f"that {', '.join(others)} can get them as well. Give the host or the group another name."
        for host in sorted(set(hosts))
        if (others := sorted(name for name in groups.get(host, []) if name != host))
    ]


_SAME = 3
"""So many hosts with the same problem are named each."""


def problems_message(problems: Sequence[Problem], variables: Mapping[str, Any]) -> str:
    """The error of an inventory with these problems. variables: those of a host of the run."""
    mistakes = _of_many_hosts(problems)
    count = "1 problem" if len(mistakes) == 1 else f"{len(mistakes)} problems"
    hints = [_SLICING] if any(name in variables for name in AWX_VARIABLES) else []
    return "\n".join((problem_lines(mistakes, heading=f"The inventory has {count}; nothing was changed."), *hints))


def _of_many_hosts(problems: Sequence[Problem]) -> list[Problem]:
    """The problems, with one for many hosts that have the same: all of them have a variable of the command line or of a group."""
    hosts: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        hosts.setdefault((problem.variable, problem.message, problem.instead), []).append(problem)
    return [
        one
        for same in hosts.values()
        for one in (
            [replace(same[0], host=f"{same[0].host} and {len(same) - 1} other hosts")] if len(same) > _SAME else same
        )
    ]
