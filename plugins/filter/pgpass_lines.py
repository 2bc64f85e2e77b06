# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.pgpass_line import pgpass_line

DOCUMENTATION = r"""
name: pgpass_lines
short_description: Format the lines of libpq's password file
version_added: 1.0.0
description:
  - Formats a line of C(.pgpass) for each connection. It reads each password from the inventory host that the connection names.
  - The result has passwords, so register it nowhere.

author:
  - pgdr.barman contributors (@pgdr)
positional: hostvars
options:
  _input:
    description: The connections, as P(pgdr.barman.needed_passwords#filter) returns them.
    type: list
    elements: dict
    required: true
  hostvars:
    description: Ansible's variable of this name. The filter reads the variables that the connections name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Configure Barman's passwords
  pgdr.barman.pgpass:
    lines: "{{ architecture.requirements[inventory_hostname].barman.pgpass | pgdr.barman.pgpass_lines(hostvars) }}"
  become: true
"""

RETURN = r"""
_value:
  description: The lines, in the order of the connections, as P(pgdr.barman.pgpass_line#filter) formats them.
  type: list
  elements: str
"""


def pgpass_lines(entries: Sequence[Mapping[str, Any]], hostvars: Mapping[str, Any]) -> list[str]:
    """A line for each connection."""
    return [pgpass_line(entry, _password(entry, hostvars)) for entry in entries]


def _password(entry: Mapping[str, Any], hostvars: Mapping[str, Any]) -> str:
    host, variable = entry["host"], entry["password_variable"]
    if host not in hostvars or variable not in hostvars[host]:
        raise AnsibleFilterError(f"pgpass_lines: the host {host} has no {variable}; set it there")
    password: str = hostvars[host][variable]
    return password


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pgpass_lines": pgpass_lines}
