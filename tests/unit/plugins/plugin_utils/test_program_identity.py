# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgdr.barman.plugins.plugin_utils.program_identity import program_identity


def write(directory: Path, **files: str) -> Path:
    directory.mkdir()
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
    return directory


def test_the_same_code_has_the_same_identity_anywhere(tmp_path: Path) -> None:
    assert program_identity(write(tmp_path / "a", x="1")) == program_identity(write(tmp_path / "b", x="1"))


def test_other_code_has_another_identity(tmp_path: Path) -> None:
    found = {
        program_identity(write(tmp_path / name, **files))
        for name, files in {
            "a": {"x": "1"},
            "b": {"x": "2"},
            "c": {"y": "1"},
            "d": {"x": "1", "y": ""},
            "e": {},
        }.items()
    }
    assert len(found) == 5


def test_it_is_a_digest_that_the_module_takes() -> None:
    assert len(program_identity()) == 16
    int(program_identity(), 16)
