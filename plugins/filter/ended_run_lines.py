# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.run_lines import ended_lines

DOCUMENTATION = r"""
name: ended_run_lines
short_description: Match the authorized_keys lines of recoveries that have ended
version_added: 1.0.0
description:
  - Returns a regular expression for lines in C(authorized_keys). It matches the lines of recoveries in the input list, and the lines whose
    C(expiry-time) has passed.
  - A run that the list does not contain may have started a moment ago. The expression does not match its lines before they expire.
author:
  - pgdr.barman contributors (@pgdr)
positional: now
options:
  _input:
    description: The ids of runs that have ended, such as RV(pgdr.barman.lock#module:removed).
    type: list
    elements: str
    required: true
  now:
    description: The current time in the format and time zone of C(expiry-time), such as V(20261121093000). With an empty text, no line counts as expired.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the expression for lines that may be removed
  ansible.builtin.debug:
    msg: "{{ locked.removed | pgdr.barman.ended_run_lines('20261121093000') }}"
"""

RETURN = r"""
_value:
  description: The regular expression. It matches nothing if no line may be removed.
  type: str
"""


def ended_run_lines(ended: Collection[str], now: str = "") -> str:
    """The regular expression for the lines."""
    if isinstance(ended, str) or not isinstance(ended, Collection):
        raise AnsibleFilterError(f"ended_run_lines needs a list of ids of runs, not {ended!r}")
    try:
        return ended_lines([str(run) for run in ended], str(now))
    except ValueError as error:
        raise AnsibleFilterError(f"ended_run_lines: {error}") from error


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"ended_run_lines": ended_run_lines}
