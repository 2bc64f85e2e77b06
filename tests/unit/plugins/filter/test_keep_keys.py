# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.keep_keys import keep_keys


def test_only_the_named_keys_are_left() -> None:
    items: list[dict[str, Any]] = [{"name": "a", "options": {"x": 1}, "hops": 0}, {"name": "b"}]
    assert keep_keys(items, ["name", "options"]) == [{"name": "a", "options": {"x": 1}}, {"name": "b"}]


@pytest.mark.parametrize("wrong", ["text", {"name": "a"}, ["a"]])
def test_anything_else_is_an_error(wrong: object) -> None:
    with pytest.raises(AnsibleFilterError, match="list of dictionaries"):
        keep_keys(wrong, ["name"])  # type: ignore[arg-type]
