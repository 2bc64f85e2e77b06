# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let forks of a run leave its objects alone.

Ansible forks once for each task of each host. The garbage collector of a fork looks at all objects of the run, and so copies the memory that they are in:
a fourteenth of what the controller computes for a task.
"""

from __future__ import annotations

import gc
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: frozen_objects
type: aggregate
short_description: Freeze the objects of a run before each fork
description:
  - Moves all objects of the run to where the garbage collector does not look, before each fork.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "frozen_objects"

    def __init__(self) -> None:
        super().__init__()
        os.register_at_fork(before=gc.freeze)
