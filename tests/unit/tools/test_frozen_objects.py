# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that keeps the garbage collector of a run's processes away from its objects."""

from __future__ import annotations

import gc
import os
from typing import Any

from tests.tools.callbacks import frozen_objects


def test_objects_are_frozen_before_a_process_starts(monkeypatch):
    hooks: list[Any] = []
    monkeypatch.setattr(os, "register_at_fork", lambda before: hooks.append(before))
    frozen_objects.CallbackModule()
    assert hooks == [gc.freeze]
