# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adopted inventory as a YAML file, and whether a file is one that nobody changed.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import yaml

from ...module_utils._barman.options import plain
from .backup_servers import reference
from .facts import Adoption, Variables
from .hook_commands import HOOK_FILES

_FIRST_LINE = "# Written by pgdr.barman.adopt. Copy the file before you change it: adopt replaces only a file that is unchanged (sha256 {})."
_WIDTH = 150
_TEMPLATE_MARKS = ("{{", "{%", "{#")


class _InventoryDumper(yaml.SafeDumper):
    """Lists are indented, and nothing is an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Unsafe(str):
    """A text of a host that Ansible would take for a template."""


def _unsafe(dumper: yaml.SafeDumper, value: _Unsafe) -> yaml.Node:
    return dumper.represent_scalar("!unsafe", str(value), style='"')


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    # YAML 1.1 reads a bare 3.13 as a number, and off as a Boolean.
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if "{{" in value or value == "" else None)


_InventoryDumper.add_representer(_Unsafe, _unsafe)
_InventoryDumper.add_representer(str, _text)


def inventory_text(adoption: Adoption, *, pg_group: str, backup_group: str) -> str:
    """The file's text, with the remarks as comments."""
    inventory = {
        "all": {
            "children": {
                backup_group: {"hosts": {host: dict(adoption.backup[host]) for host in sorted(adoption.backup)}},
                pg_group: _group(adoption.pg),
            }
        }
    }
    references = {reference(one.name) for one in adoption.vault}
    body = "".join(f"{line}\n" for line in _comments(adoption)) + "---\n"
    body += yaml.dump(
        _written(inventory, references), Dumper=_InventoryDumper, sort_keys=False, width=_WIDTH, allow_unicode=True
    )
    return f"{_first_line(body)}\n{body}"


def _written(value: Any, references: Collection[str]) -> Any:
    """The value in plain types. Only the references to a vault, and paths beside the inventory, are templates."""
    if isinstance(value, Mapping):
        return {_written(key, references): _written(item, references) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(item, references) for item in value]
    text = plain(value)
    if not isinstance(text, str) or text in references:
        return text
    rest = text.removeprefix(HOOK_FILES)
    return _Unsafe(text) if any(mark in rest for mark in _TEMPLATE_MARKS) else text


def is_unchanged(text: str) -> bool:
    """Whether adopt wrote this text, and nobody changed it."""
    first, _line, body = text.partition("\n")
    return first == _first_line(body)


def _first_line(body: str) -> str:
    return _FIRST_LINE.format(hashlib.sha256(body.encode()).hexdigest())


def _group(hosts: Mapping[str, Variables]) -> dict[str, Any]:
    """The group with its hosts. What is the same for all of several hosts is a variable of the group."""
    names = sorted(hosts)
    shared: Variables = {}
    if len(names) > 1:
        first = hosts[names[0]]
        shared = {
            name: value
            for name, value in first.items()
            if name.startswith("barman_") and all(name in hosts[host] and hosts[host][name] == value for host in names)
        }
    own = {host: {name: value for name, value in hosts[host].items() if name not in shared} for host in names}
    return {**({"vars": shared} if shared else {}), "hosts": own}


def _comments(adoption: Adoption) -> Iterable[str]:
    if adoption.vault:
        yield "#"
        yield "# Fill these variables in a file of ansible-vault, such as group_vars/all/vault.yml beside this inventory:"
        for one in adoption.vault:
            yield from _wrapped(f"{one.name}: {one.meaning}; its value is in {one.source}.")
    if adoption.remarks:
        yield "#"
        yield "# Read before you deploy:"
        for remark in adoption.remarks:
            yield from _wrapped(str(remark))


def _wrapped(text: str) -> list[str]:
    """The lines of a comment. No text of a host can end one: YAML also takes other characters for the end of a line."""
    shown = "".join(mark if mark.isprintable() else "?" for mark in text)
    return textwrap.wrap(
        shown,
        _WIDTH,
        initial_indent="#   - ",
        subsequent_indent="#     ",
        break_long_words=False,
        break_on_hyphens=False,
    )
