# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback by which all runs of Ansible below one `make molecule` share their packed modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import constants

from tests.tools.callbacks import shared_modules


@pytest.fixture
def own(monkeypatch, tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "own"))
    return tmp_path / "own/ansiballz_cache"


def test_the_directory_is_shared(own, monkeypatch, tmp_path):
    monkeypatch.setenv("PGDR_SHARED_MODULES", str(tmp_path / "shared"))
    monkeypatch.setattr(shared_modules, "named_mutex", object())
    shared_modules.CallbackModule()
    (own / "module").touch()
    assert [path.name for path in (tmp_path / "shared").glob("*/*")] == ["module"]


def test_other_collections_are_other_modules(monkeypatch):
    monkeypatch.setattr(constants, "COLLECTIONS_PATHS", ["/one"])
    one = shared_modules.directory("/shared")
    monkeypatch.setattr(constants, "COLLECTIONS_PATHS", ["/other"])
    assert shared_modules.directory("/shared") != one
    assert shared_modules.directory("/shared").parent == one.parent == Path("/shared")


def test_without_the_variable_nothing_is_shared(own, monkeypatch):
    monkeypatch.delenv("PGDR_SHARED_MODULES", raising=False)
    shared_modules.CallbackModule()
    assert not own.exists()


def test_an_ansible_whose_lock_ends_with_the_process_shares_nothing(own, monkeypatch, tmp_path):
    monkeypatch.setenv("PGDR_SHARED_MODULES", str(tmp_path / "shared"))
    monkeypatch.setattr(shared_modules, "named_mutex", None)
    shared_modules.CallbackModule()
    assert not own.exists()
