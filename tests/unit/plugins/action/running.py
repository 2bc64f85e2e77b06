# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running an action without a host: only the task around it is made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail


def run_action(
    plugin: Any, variables: Mapping[str, Any] | None = None, *, check_mode: bool = False, **arguments: Any
) -> dict[str, Any]:
    """What the plugin's action returns. variables: those of the task's host."""
    connection = MagicMock()
    action = plugin.ActionModule(
        task=MagicMock(async_val=0, args=arguments, check_mode=check_mode, diff=False),
        connection=connection,
        play_context=MagicMock(),
        loader=MagicMock(),
        templar=MagicMock(),
        shared_loader_obj=MagicMock(),
    )
    # The plugin loader sets it; releases before 2.19 name it in the error of an unknown argument.
    action._load_name = f"pgdr.barman.{plugin.__name__.rpartition('.')[2]}"
    result: dict[str, Any] = action.run(task_vars=dict(variables or {}))
    assert connection.method_calls == []
    return result


def failed_action(
    plugin: Any, variables: Mapping[str, Any] | None = None, *, check_mode: bool = False, **arguments: Any
) -> tuple[str, dict[str, Any]]:
    """The message of an action that fails, and what it returns beside it."""
    with pytest.raises(AnsibleActionFail) as caught:
        run_action(plugin, variables, check_mode=check_mode, **arguments)
    # Before ansible-core 2.21 the result has Ansible's own keys, too.
    own = ("failed", "msg", "exception")
    return str(caught.value), {key: value for key, value in caught.value.result.items() if key not in own}
