# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: keep_keys
short_description: Reduce each dictionary of a list to some of its keys
version_added: 1.0.0
description:
  - Reduces each dictionary of a list to the keys that are named. A key that a dictionary does not have is left out.
  - With it, a requirement of M(pgdr.barman.topology) becomes the argument of a module that takes a part of it.

author:
  - pgdr.barman contributors (@pgdr)
positional: keys
options:
  _input:
    description: The dictionaries.
    type: list
    elements: dict
    required: true
  keys:
    description: The keys to keep.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Configure the entries of a backup server
  pgdr.barman.server:
    servers: "{{ architecture.requirements[inventory_hostname].barman.servers | pgdr.barman.keep_keys(['name', 'options', 'host']) }}"
  become: true
"""

RETURN = r"""
_value:
  description: The dictionaries, in the same order.
  type: list
  elements: dict
"""


def keep_keys(items: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Each dictionary with these keys only."""
    if isinstance(items, (str, Mapping)) or not all(isinstance(item, Mapping) for item in items):
        raise AnsibleFilterError("keep_keys needs a list of dictionaries")
    return [{key: item[key] for key in keys if key in item} for item in items]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"keep_keys": keep_keys}
