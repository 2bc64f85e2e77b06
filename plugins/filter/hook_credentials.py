# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.hook_requirements import credential_texts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirement_types import HookCredentials

DOCUMENTATION = r"""
name: hook_credentials
short_description: Format the credentials files of a backup server's hook scripts
version_added: 1.0.0
description:
  - Formats a credentials file for each profile that the requirements name, with the secrets of the inventory host that the profile belongs to.
  - The result is what M(pgdr.barman.hook_scripts) takes as O(pgdr.barman.hook_scripts#module:credentials). It has secrets, so register it nowhere.
author:
  - pgdr.barman contributors (@pgdr)
positional: hostvars
options:
  _input:
    description: The key C(barman.hooks.credentials) of the host's requirements, which M(pgdr.barman.topology) returned.
    type: list
    elements: dict
    required: true
  hostvars:
    description: Ansible's variable of this name. The filter reads C(barman_s3_access_key) and C(barman_s3_secret_key) of the hosts that the input names.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Deploy the credentials that the inventory declares
  pgdr.barman.hook_scripts:
    credentials_directory: "{{ hooks.credentials_directory }}"
    credentials: "{{ hooks.credentials | pgdr.barman.hook_credentials(hostvars) }}"
  vars:
    hooks: "{{ architecture.requirements[inventory_hostname].barman.hooks }}"
  become: true
"""

RETURN = r"""
_value:
  description: The text of each file, by its profile, which is the name of the file.
  type: dict
"""


def hook_credentials(credentials: Sequence[HookCredentials], hostvars: Mapping[str, Any]) -> dict[str, str]:
    """The text of each file, by its profile."""

    def secret(host: str, variable: str) -> str:
        if host not in hostvars or variable not in hostvars[host]:
            raise AnsibleFilterError(f"hook_credentials: the host {host} has no {variable}; set it there")
        return str(hostvars[host][variable])

    return credential_texts(credentials, secret)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hook_credentials": hook_credentials}
