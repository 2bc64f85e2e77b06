# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: settings_too_low
short_description: Name the settings that are too low for a recovery
version_added: 1.0.0
description:
  - Compares what C(postgres -C) printed for each setting with what a recovery needs.

author:
  - pgdr.barman contributors (@pgdr)
options:
  _input:
    description:
      - The C(results) of a registered loop of M(ansible.builtin.command). The C(item) of each has the setting as C(key) and the lowest value as C(value).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Fail if a setting is too low
  ansible.builtin.fail:
    msg: "{{ configured.results | pgdr.barman.settings_too_low | join(', ') }}"
  when: configured.results | pgdr.barman.settings_too_low | length > 0
"""

RETURN = r"""
_value:
  description: A text for each setting that is too low, such as C(max_connections is 100 and has to be 200).
  type: list
  elements: str
"""


def settings_too_low(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A text for each setting that is too low."""
    found = []
    for result in results:
        name, needed, current = result["item"]["key"], result["item"]["value"], str(result.get("stdout", "")).strip()
        if not current.isdigit():
            raise AnsibleFilterError(
                f"settings_too_low: PostgreSQL printed {current!r} for {name}, which is not a number; read its log"
            )
        if int(current) < int(needed):
            found.append(f"{name} is {current} and has to be {needed}")
    return found


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"settings_too_low": settings_too_low}
