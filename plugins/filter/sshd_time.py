# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.run_lines import sshd_time as time_for_sshd

DOCUMENTATION = r"""
name: sshd_time
short_description: Write a time of a host for its SSH server
version_added: 1.0.0
description:
  - Writes the time of a host in the form and the time zone of C(expiry-time) in C(authorized_keys).
author:
  - pgdr.barman contributors (@pgdr)
positional: seconds
options:
  _input:
    description: The fact C(date_time) of the host, with C(epoch) and C(tz_offset).
    type: dict
    required: true
  seconds:
    description: So many seconds later.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Show when a line expires that is written now for an hour
  ansible.builtin.debug:
    msg: "{{ ansible_facts.date_time | pgdr.barman.sshd_time(3600) }}"
"""

RETURN = r"""
_value:
  description: The time, such as V(20261121093000).
  type: str
"""


def sshd_time(date_time: Mapping[str, Any], seconds: int = 0) -> str:
    """The time as text."""
    try:
        return time_for_sshd(date_time, int(seconds))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AnsibleFilterError(
            f"sshd_time needs the fact date_time with epoch and tz_offset, not {date_time!r}"
        ) from error


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"sshd_time": sshd_time}
