# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._recovery.running import problems, timeline_of


class ActionModule(ActionBase):
    """Compares on the controller; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "run": {"type": "str", "required": True},
                "answer": {"type": "dict", "required": True},
                "files": {"type": "list", "elements": "dict", "required": True},
                "data_directory": {"type": "str", "required": True},
                "timeline": {"type": "int", "required": True},
                "port": {"type": "int", "required": True},
            }
        )
        found = problems(
            options["answer"],
            options["files"],
            data_directory=options["data_directory"],
            timeline=options["timeline"],
            port=options["port"],
        )
        if found:
            raise AnsibleActionFail(" ".join(found), result=result)
        result.update(changed=False, run=options["run"], timeline=timeline_of(options["answer"]), time=time.time())
        return result
