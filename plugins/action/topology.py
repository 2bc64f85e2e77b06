# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.inventory.manager import IGNORED
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.module_utils._barman.options import nearest
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.host_slice import hosts_by_part
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.kinds import BACKUP, BOTH, PG
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Problem, Unreadable
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import (
    ANSIBLE_VARIABLES,
    KNOWN_VARIABLES,
    SECRET_VARIABLES,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import HostVariables


class ActionModule(ActionBase):
    """Reads the inventory's variables on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "pg_group": {"type": "str", "default": "pg"},
                "backup_group": {"type": "str", "default": "backup"},
            }
        )
        variables = task_vars or {}
        groups, hostvars = variables["groups"], variables["hostvars"]
        problems = [
            *_unparsed_sources(hostvars),
            *_missing_group("barman_pg_group", arguments["pg_group"], groups),
            *_missing_group("barman_backup_group", arguments["backup_group"], groups),
        ]
        if problems:
            raise AnsibleActionFail(_message(problems, variables))
        members = {PG: groups[arguments["pg_group"]], BACKUP: groups[arguments["backup_group"]]}
        own = {
            host: HostVariables(hostvars, host, self._loader)
            for host in {name for hosts in members.values() for name in hosts}
        }
        read = {group: {host: _read(group, own[host]) for host in hosts} for group, hosts in members.items()}
        outcome = build(read[PG], read[BACKUP])
        expanded = {
            warning
            for found in read.values()
            for host in found
            for warning in _expanded(host, found[host], own[host].raw)
        }
        shared = _shared_names([*read[PG], *read[BACKUP]], groups)
        if outcome.warnings or expanded or shared:
            result["warnings"] = [*outcome.warnings, *sorted(expanded), *shared]
        if outcome.problems:
            raise AnsibleActionFail(_message(outcome.problems, variables), result=result)
        result.update(
            changed=False,
            topology=outcome.topology,
            requirements=outcome.requirements,
            hosts=hosts_by_part(outcome.requirements, members[PG], members[BACKUP]),
        )
        return result


def _unparsed_sources(hostvars: Any) -> Iterable[Problem]:
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


def _missing_group(variable: str, name: str, groups: Mapping[str, list[str]]) -> Iterable[Problem]:
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


def _shared_names(hosts: Iterable[str], groups: Mapping[str, list[str]]) -> list[str]:
    """A warning for each host that is named as a group with other hosts. Source: InventoryData.set_variable, which takes the name for the group's."""
    return [
        f"{host}: the inventory has a group of this name, too. Ansible gives the group the variables that are written at the host, ansible_host among them, so "
        f"that {', '.join(others)} can get them as well. Give the host or the group another name."
        for host in sorted(set(hosts))
        if (others := sorted(name for name in groups.get(host, []) if name != host))
    ]


#: AWX and Automation Platform set both in every job.
_AWX_VARIABLES = ("awx_job_id", "tower_job_id")
_SLICING = (
    "This is a job of AWX. If its template has job slicing, each slice lacks the other hosts of the inventory with their variables and groups. This "
    "playbook needs all of them: set job slicing to 1, and choose hosts with the template's limit (--limit)."
)


def _message(problems: list[Problem], variables: Mapping[str, Any]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    hints = [_SLICING] if any(name in variables for name in _AWX_VARIABLES) else []
    return "\n".join(
        (f"The inventory has {count}; nothing was changed.", *(f"- {problem}" for problem in problems), *hints)
    )


_READ: Mapping[str, frozenset[str]] = {
    group: frozenset(
        (*ANSIBLE_VARIABLES, *(name for name, known in KNOWN_VARIABLES.items() if known.group in (group, BOTH)))
    )
    for group in (PG, BACKUP)
}


def _read(group: str, variables: HostVariables) -> dict[str, Any]:
    """The host's variables that matter, each templated for itself, so that one wrong expression hides no other.

    Only what has a template in it is templated: for a thousand hosts the rest would cost several times as much as the whole validation.
    """
    found: dict[str, Any] = {}
    for name, value in variables.raw.items():
        if name in _READ[group]:
            try:
                found[name] = _untagged(value if _is_literal(value) else variables.read(name))
            except AnsibleError as error:
                secret = name in SECRET_VARIABLES and not _WHOLE_EXPRESSION.match(str(value))
                # The words of the error repeat what is between the braces.
                found[name] = Unreadable("Ansible takes a part of it for a template" if secret else _reason(error))
        elif name.startswith("barman_") and name not in KNOWN_VARIABLES:
            # Of an unknown variable only the name matters.
            found[name] = None
    return found


def _is_literal(value: Any) -> bool:
    """Whether Ansible would leave the value as it is: there is no template and nothing encrypted in it."""
    if isinstance(value, str):
        return not any(mark in value for mark in _TEMPLATE_MARKS)
    if isinstance(value, dict):
        return all(_is_literal(key) and _is_literal(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_literal(item) for item in value)
    return value is None or isinstance(value, (bool, int, float))


_TEMPLATE_MARKS = ("{{", "{%", "{#")
# The whole value is one expression, as of a variable in a vault, and no text that happens to have braces.
_WHOLE_EXPRESSION = re.compile(r"\s*\{\{.*\}\}\s*\Z", re.DOTALL)


def _expanded(host: str, variables: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterable[str]:
    """A warning for each secret of which Ansible expanded a part, perhaps without anybody having meant that."""
    for name in SECRET_VARIABLES.intersection(variables):
        written, value = raw.get(name), variables[name]
        if (
            isinstance(written, str)
            and isinstance(value, str)
            and written != value
            and not _WHOLE_EXPRESSION.match(written)
        ):
            yield (
                f"{host}: {name}: Ansible expanded a part of it as a template. If {{{{, {{% or {{# belongs to the password itself, write it as "
                "!unsafe 'PASSWORD'"
            )


def _untagged(value: Any) -> Any:
    """The value without Ansible's own types; going through it also templates what is nested in it."""
    if isinstance(value, Mapping):
        return {_untagged(key): _untagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_untagged(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return str(value)


# Before ansible-core 2.19, an error repeats the words of its cause.
_REPEATED = re.compile(r"\A(.+)\. \1\Z")


def _reason(error: AnsibleError) -> str:
    text = str(getattr(error, "message", "") or error)
    return _REPEATED.sub(r"\1", " ".join(text.split()).rstrip("."))
