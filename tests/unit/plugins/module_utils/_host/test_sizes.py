# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.sizes import human_size


@pytest.mark.parametrize(
    ("size", "text"), [(None, "unknown"), (12, "12 bytes"), (16777216, "16.0 MiB"), (5 << 40, "5.0 TiB")]
)
def test_sizes_for_people(size: int | None, text: str) -> None:
    assert human_size(size) == text
