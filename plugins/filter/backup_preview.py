# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils.preview import barman_lines

DOCUMENTATION = r"""
name: backup_preview
short_description: Show what a run would change on a backup server
version_added: 1.0.0
description:
  - Returns what M(pgdr.barman.topology) requires of a backup server as lines for a person, for a check of a host on which packages are missing.
  - The lines have no password.

author:
  - pgdr.barman contributors (@pgdr)
positional: host, packages
options:
  _input:
    description: The key C(barman) of the host's requirements, which M(pgdr.barman.topology) returned.
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
"""

EXAMPLES = r"""
- name: Show what a real run would change
  ansible.builtin.debug:
    msg: "{{ architecture.requirements[inventory_hostname].barman | pgdr.barman.backup_preview(inventory_hostname, ['barman']) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def backup_preview(required: Mapping[str, Any], host: str, packages: Sequence[str]) -> list[str]:
    """The lines."""
    if not isinstance(required, Mapping) or "configuration_directory" not in required:
        raise AnsibleFilterError(
            "backup_preview needs the requirements of a backup server, with configuration_directory and servers"
        )
    return barman_lines(required, host, packages)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup_preview": backup_preview}
