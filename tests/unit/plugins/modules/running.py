# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module's main() and reading what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.ansible_core import patch_module_args


def run_main(main: Callable[[], None], capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    """The module's answer as the controller gets it. check_mode and diff are Ansible's, the rest the module's."""
    given = {f"_ansible_{name}": arguments.pop(name) for name in ("check_mode", "diff") if name in arguments}
    capsys.readouterr()
    with patch_module_args({**arguments, **given}), pytest.raises(SystemExit) as ended:
        main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert bool(ended.value.code) == bool(answer.get("failed"))
    return answer
