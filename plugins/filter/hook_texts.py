# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.hook_requirements import script_texts
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirement_types import HookRequirements

DOCUMENTATION = r"""
name: hook_texts
short_description: Name each hook script of a backup server with its text
version_added: 1.0.0
description:
  - Combines the requirements of a backup server with the texts of the files that these requirements name.
  - The result is what M(pgdr.barman.hook_scripts) takes as O(pgdr.barman.hook_scripts#module:scripts).
author:
  - pgdr.barman contributors (@pgdr)
positional: texts
options:
  _input:
    description: The key C(barman.hooks) of the host's requirements, which M(pgdr.barman.topology) returned.
    type: dict
    required: true
  texts:
    description: The texts of the files in C(sources) of the input, in that order.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Deploy the scripts that the inventory declares
  pgdr.barman.hook_scripts:
    scripts: "{{ hooks | pgdr.barman.hook_texts(query('ansible.builtin.file', *hooks.sources, rstrip=false)) }}"
  vars:
    hooks: "{{ architecture.requirements[inventory_hostname].barman.hooks }}"
  become: true
"""

RETURN = r"""
_value:
  description: The text of each script, by the name of its file.
  type: dict
"""


def hook_texts(hooks: HookRequirements, texts: Sequence[str]) -> dict[str, str]:
    """The text of each script, by the name of its file."""
    if not isinstance(hooks, Mapping) or "scripts" not in hooks:
        raise AnsibleFilterError("hook_texts needs the requirements of a backup server's hooks, with the key scripts")
    try:
        return script_texts(hooks, texts)
    except ValueError as error:
        raise AnsibleFilterError(f"hook_texts: {error}; give the texts of all files in sources") from error


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hook_texts": hook_texts}
