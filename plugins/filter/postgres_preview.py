# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils.preview import parse_settings, postgres_lines

DOCUMENTATION = r"""
name: postgres_preview
short_description: Show what a run would change on a PostgreSQL server
version_added: 1.0.0
description:
  - Returns what M(pgdr.barman.topology) requires of a PostgreSQL server as lines for a person, for a check of a host on which packages are missing.
  - The lines have no password.

author:
  - pgdr.barman contributors (@pgdr)
positional: host, packages, settings, asked
options:
  _input:
    description: The key C(postgres) of the host's requirements, which M(pgdr.barman.topology) returned.
    type: dict
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
  packages:
    description: The packages that the run installs.
    type: list
    elements: str
    required: true
  settings:
    description: The settings that PostgreSQL needs, each with V(minimum) or V(value).
    type: dict
    required: true
  asked:
    description:
      - The registered result of M(ansible.builtin.command), which ran C(psql) with lines C(NAME|VALUE|CONTEXT) from C(pg_settings).
    type: dict
    required: true
  installs_server:
    description: Whether the run installs PostgreSQL itself.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what a real run would change
  ansible.builtin.debug:
    msg: "{{ required | pgdr.barman.postgres_preview(inventory_hostname, ['python3-psycopg'], required.settings, answer) }}"
  vars:
    required: "{{ architecture.requirements[inventory_hostname].postgres }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def postgres_preview(
    required: Mapping[str, Any],
    host: str,
    packages: Sequence[str],
    settings: Mapping[str, Mapping[str, Any]],
    asked: Mapping[str, Any],
    *,
    installs_server: bool = False,
) -> list[str]:
    """The lines."""
    if not isinstance(required, Mapping) or "hba_lines" not in required:
        raise AnsibleFilterError(
            "postgres_preview needs the requirements of a PostgreSQL server, with roles and hba_lines"
        )
    errors = asked.get("stderr_lines") or [""]
    return postgres_lines(
        required,
        host,
        packages,
        settings,
        current=parse_settings(asked.get("stdout_lines") or []),
        installs_server=installs_server,
        error=str(errors[0]),
    )


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"postgres_preview": postgres_preview}
