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
short_description: Match the lines of SSH trust of recoveries that have ended
version_added: 1.0.0
description:
  - Makes a regular expression for the lines in C(authorized_keys) of recoveries that are known to have ended, and of those whose C(expiry-time) has passed.
  - A run that is not named may have begun a moment ago. Its lines are not matched before they have expired.
author:
  - pgdr.barman contributors (@pgdr)
positional: now
options:
  _input:
    description: Ids of runs that have ended, such as RV(pgdr.barman.lock#module:removed).
    type: list
    elements: str
    required: true
  now:
    description: The time in the form and the time zone of C(expiry-time), such as V(20261121093000). With an empty text no line counts as expired.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show which lines may be removed
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
