# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.settings_too_low import settings_too_low


def read(name: str, current: str, needed: str) -> dict[str, object]:
    return {"item": {"key": name, "value": needed}, "stdout": current}


def test_only_what_is_too_low_is_named() -> None:
    results = [read("max_connections", "100", "150"), read("max_worker_processes", "8", "8"), read("x", "9", "10")]
    assert settings_too_low(results) == ["max_connections is 100 and has to be 150", "x is 9 and has to be 10"]


def test_what_is_no_number_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="printed '' for max_connections"):
        settings_too_low([read("max_connections", "", "150")])
