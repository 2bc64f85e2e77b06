# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments that every module has that runs Barman (doc fragment _barman), and Barman made from them.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._host.process import Runner, run
from .command import Barman


def barman_argument_spec() -> dict[str, Any]:
    return {
        "barman_user": {"type": "str", "default": "barman"},
        "config_file": {"type": "path"},
    }


def barman_from(params: Mapping[str, Any], runner: Runner = run) -> Barman:
    return Barman(runner, params["barman_user"], params["config_file"])
