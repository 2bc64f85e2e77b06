# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: synchronous_failure
short_description: Explain why commits do not wait for Barman
version_added: 1.0.0
description:
  - Returns the message for a host whose synchronous commit could not be configured.
author:
  - pgdr.barman contributors (@pgdr)
positional: host, configured
options:
  _input:
    description: The result of the task that failed, as the variable C(ansible_failed_result) has it. It can be the result of a loop.
    type: dict
    required: true
  host:
    description: The PostgreSQL host's name in the inventory.
    type: str
    required: true
  configured:
    description: The registered result of M(pgdr.barman.synchronous_standby). If it added names, they have been removed again.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Fail with the reason why commits do not wait
  ansible.builtin.fail:
    msg: "{{ ansible_failed_result | pgdr.barman.synchronous_failure(inventory_hostname, configured) }}"
"""

RETURN = r"""
_value:
  description: The state of the host, and the reason.
  type: str
"""


def synchronous_failure(failed: Mapping[str, Any], host: str, configured: Mapping[str, Any] | None = None) -> str:
    """The message."""
    configured = configured or {}
    removed = not configured.get("failed") and configured.get("added")
    state = "do not wait for Barman" if removed else "are not protected by Barman as declared"
    results = failed.get("results")
    reasons = [failed] if results is None else [result for result in results if result.get("failed")]
    return f"Commits on {host} {state}. " + "; ".join(str(reason["msg"]) for reason in reasons)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"synchronous_failure": synchronous_failure}
