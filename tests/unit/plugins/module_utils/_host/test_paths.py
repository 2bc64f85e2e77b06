# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths that are the same directory are the same text."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._host.paths import normal_path
from tests.conftest import REPOSITORY


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("//home", "/home"),
        ("//", "/"),
        ("///home/", "/home"),
        ("/a/../b", "/b"),
        ("//../home", "/home"),
        ("a//b/.", "a/b"),
        ("", "."),
    ],
)
def test_a_path_in_its_normal_form(path: str, normal: str) -> None:
    assert normal_path(path) == normal


@given(st.lists(st.sampled_from(["/", "home", "..", "."]), min_size=1).map("".join).map(lambda path: "/" + path))
def test_the_normal_form_is_the_same_place_and_stays(path: str) -> None:
    found = normal_path(path)
    assert normal_path(found) == found
    assert found == "/" or not found.startswith("//")
    assert found == os.path.abspath("/x/../" + path)


def test_nobody_else_normalises_paths() -> None:
    others = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "plugins").rglob("*.py")
        if "path.normpath(" in path.read_text() and path.name != "paths.py"
    ]
    assert others == []
