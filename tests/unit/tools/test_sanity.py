# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from tests.tools.sanity import ignore_files


def test_a_file_that_ignores_something_is_found(tmp_path):
    (tmp_path / "ignore-2.20.txt").write_text("plugins/modules/backup.py validate-modules:doc-missing\n")
    (tmp_path / "ignore-2.19.txt").write_text("plugins/modules/backup.py pylint:unused-variable\n")
    (tmp_path / "ignore-2.21.txt").write_text("\n")
    (tmp_path / "extra.txt").write_text("something\n")
    assert ignore_files(tmp_path) == ["ignore-2.19.txt", "ignore-2.20.txt"]


def test_where_there_is_no_directory_nothing_is_ignored(tmp_path):
    assert ignore_files(tmp_path / "sanity") == []


def test_nothing_is_ignored(repository):
    assert ignore_files(repository / "tests" / "sanity") == []
