# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.host_slice import host_slice


class ActionModule(ActionBase):
    """Reads a registered topology on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={"registered": {"type": "str", "default": "barman_topology"}}
        )
        variables = task_vars or {}
        # The variable itself and no template: before ansible-core 2.19 that would template every host's part.
        whole = variables.get(options["registered"])
        if not isinstance(whole, dict) or "requirements" not in whole:
            raise AnsibleActionFail(
                "{}: the variable {} has no topology; register pgdr.barman.topology in it first, with run_once".format(
                    variables["inventory_hostname"], options["registered"]
                )
            )
        result.update(
            changed=False, **host_slice(variables["inventory_hostname"], whole["topology"], whole["requirements"])
        )
        return result
