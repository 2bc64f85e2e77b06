# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: pgpass_line
short_description: Format a line of libpq's password file
version_added: 1.0.0
description:
  - Formats one line of C(.pgpass) from a requirement of M(pgdr.barman.topology) and the password. It escapes colons and backslashes.
author:
  - pgdr.barman contributors (@pgdr)
positional: password
options:
  _input:
    description: A dictionary with the keys V(address), V(port), V(database) and V(user). Each value can be V(*).
    type: dict
    required: true
  password:
    description: The password, not escaped.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Create the password file
  ansible.builtin.copy:
    dest: /var/lib/barman/.pgpass
    mode: "0600"
    content: |
      {% for entry in architecture.requirements[inventory_hostname].barman.pgpass %}
      {{ entry | pgdr.barman.pgpass_line(hostvars[entry.host][entry.password_variable]) }}
      {% endfor %}
  no_log: true
"""

RETURN = r"""
_value:
  description: The line, without a line break at its end.
  type: str
"""


def pgpass_line(entry: Mapping[str, Any], password: str) -> str:
    """The line for the entry; colons and backslashes in the fields are escaped."""
    if not isinstance(entry, Mapping):
        raise AnsibleFilterError("pgpass_line needs a dictionary with address, port, database and user")
    missing = [name for name in ("address", "port", "database", "user") if entry.get(name) in (None, "")]
    if missing:
        raise AnsibleFilterError(f"pgpass_line: the dictionary has no {', '.join(missing)}")
    if not isinstance(password, str) or not password:
        raise AnsibleFilterError("pgpass_line: the password is not a text, or empty")
    fields = [str(entry[name]) for name in ("address", "port", "database", "user")] + [password]
    if any(mark in field for field in fields for mark in "\n\r\0"):
        raise AnsibleFilterError("pgpass_line: a field has a line break, which a password file cannot hold")
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"pgpass_line": pgpass_line}
