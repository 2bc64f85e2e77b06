# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory declares of its hosts, each variable templated in its host's context. This plugin util is private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.kinds import BACKUP, BOTH, PG
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Unreadable
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import (
    ANSIBLE_VARIABLES,
    KNOWN_VARIABLES,
    SECRET_VARIABLES,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils.templates import HostVariables


class DeclaredVariables(NamedTuple):
    """The variables that matter of the hosts of both groups, and warnings about them."""

    pg: dict[str, dict[str, Any]]
    backup: dict[str, dict[str, Any]]
    warnings: list[str]


def read_inventory(
    pg: Sequence[str], backup: Sequence[str], hostvars: Any, loader: DataLoader | None
) -> DeclaredVariables:
    """What these hosts declare. A variable that can't be read is an Unreadable."""
    own = {host: HostVariables(hostvars, host, loader) for host in {*pg, *backup}}
    read = {group: {host: _read(group, own[host]) for host in hosts} for group, hosts in ((PG, pg), (BACKUP, backup))}
    warnings = {
        warning
        for found in read.values()
        for host, variables in found.items()
        for warning in _expanded(host, variables, own[host].raw)
    }
    return DeclaredVariables(read[PG], read[BACKUP], sorted(warnings))


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
