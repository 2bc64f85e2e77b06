# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cron ignores a file of /etc/cron.d whose user does not exist when cron reads it, until the file changes."""

from __future__ import annotations

from typing import Any

import yaml

from tests.conftest import REPOSITORY


def modules(tasks: list[dict[str, Any]]) -> list[str]:
    """The modules of tasks and of the tasks in their blocks, in order."""
    found: list[str] = []
    for task in tasks:
        found += [key for key in task if key.count(".") >= 2]
        found += modules(task.get("block", []))
    return found


def test_barman_s_user_is_there_before_the_package_and_its_cron_file() -> None:
    tasks = yaml.safe_load((REPOSITORY / "roles/backup/tasks/packages.yml").read_text(encoding="utf-8"))
    order = modules(tasks)
    assert order.index("ansible.builtin.user") < order.index("ansible.builtin.apt")
