# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.plan_text import plan_lines


class ActionModule(ActionBase):
    """Shows a text that it makes on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "recovery": {"type": "dict", "required": True},
                "proof": {"type": "dict", "required": True},
                "host": {"type": "dict", "required": True},
                "cluster": {"type": "dict"},
                "recorded": {"type": "list", "elements": "str", "default": []},
            }
        )
        lines = plan_lines(
            options["recovery"],
            options["proof"],
            options["host"],
            cluster=options["cluster"],
            recorded=options["recorded"],
        )
        # As ansible.builtin.debug does, so that the lines are shown without -v.
        result.update(changed=False, msg=lines, _ansible_verbose_always=True)
        return result
