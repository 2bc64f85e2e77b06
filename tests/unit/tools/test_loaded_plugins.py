# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback that loads Ansible's own filters and tests before a run forks."""

from __future__ import annotations

from tests.tools.callbacks import loaded_plugins


class Loader:
    def __init__(self) -> None:
        self.loaded: list[str] = []

    def get(self, name: str) -> None:
        self.loaded.append(name)


def test_a_filter_and_a_test_are_loaded_and_with_them_all(monkeypatch):
    filters, tests = Loader(), Loader()
    monkeypatch.setattr(loaded_plugins, "filter_loader", filters)
    monkeypatch.setattr(loaded_plugins, "test_loader", tests)
    loaded_plugins.CallbackModule()
    assert (filters.loaded, tests.loaded) == (["default"], ["defined"])
