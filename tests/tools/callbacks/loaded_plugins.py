# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load the filters and tests of Ansible's own before the first task, once a run.

Ansible runs each task of each host in a fork of the run, and a fork that evaluates an expression loads them all if the run has not: a fifth of
what the controller computes for a task.
"""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

DOCUMENTATION = """
name: loaded_plugins
type: aggregate
short_description: Load filters and tests before the first task
description:
  - Loads the filters and tests of ansible-core, which the forks of a run would each load for themselves.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "loaded_plugins"

    def __init__(self) -> None:
        super().__init__()
        filter_loader.get("default")
        test_loader.get("defined")
