# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the machines' Pythons keep of the modules that they compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.lab import bytecode, machines


@pytest.fixture
def kept(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(bytecode, "DIRECTORY", str(tmp_path))
    monkeypatch.setattr(bytecode, "last", None)
    return tmp_path


def test_the_second_time_nothing_is_compiled(kept, monkeypatch):
    bytecode.compile_source("/tmp/one.zip/a.py", b"value = 1")
    monkeypatch.setattr(bytecode, "original", None)
    again = bytecode.compile_source("/tmp/other.zip/a.py", b"value = 1")
    found: dict[str, int] = {}
    exec(again, found)
    assert found["value"] == 1
    assert len(list(kept.iterdir())) == 1


def test_a_traceback_names_the_archive_of_this_run(kept):
    for archive in ("one", "other"):
        code = bytecode.compile_source(f"/tmp/{archive}.zip/a.py", b"def function():\n    pass\n")
        assert code.co_filename == f"/tmp/{archive}.zip/a.py"
        inner = [constant for constant in code.co_consts if hasattr(constant, "co_filename")]
        assert [constant.co_filename for constant in inner] == [f"/tmp/{archive}.zip/a.py"]


def test_a_module_that_is_found_and_run_is_read_once(kept, monkeypatch):
    code = bytecode.compile_source("/tmp/one.zip/a.py", b"value = 1")
    monkeypatch.setattr(bytecode, "DIRECTORY", str(kept / "missing"))
    monkeypatch.setattr(bytecode, "original", None)
    assert bytecode.compile_source("/tmp/one.zip/a.py", b"value = 1") is code


def test_another_source_is_compiled_anew(kept):
    for source, value in ((b"value = 1", 1), (b"value = 2", 2)):
        found: dict[str, int] = {}
        exec(bytecode.compile_source("a.py", source), found)
        assert found["value"] == value


@pytest.mark.parametrize("damage", [b"", b"\xe3", b"damaged"])
def test_a_damaged_file_is_replaced(kept, monkeypatch, damage):
    bytecode.compile_source("a.py", b"value = 1")
    monkeypatch.setattr(bytecode, "last", None)
    (path,) = kept.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage)
    bytecode.compile_source("a.py", b"value = 1")
    assert path.read_bytes() == whole


def test_without_the_directory_all_is_as_usual(monkeypatch, tmp_path):
    monkeypatch.setattr(bytecode, "DIRECTORY", str(tmp_path / "missing"))
    monkeypatch.setattr(bytecode, "last", None)
    found: dict[str, int] = {}
    exec(bytecode.compile_source("a.py", b"value = 1"), found)
    assert found["value"] == 1


def test_zipimport_uses_what_is_kept(tmp_path):
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
        archive.writestr("sent.py", "value = 4711\n")
    program = (
        f"import bytecode; bytecode.DIRECTORY = {str(tmp_path / 'kept')!r}; bytecode.install(); "
        f"import sys; sys.path.insert(0, {str(tmp_path / 'sent.zip')!r}); import sent; print(sent.value)"
    )
    (tmp_path / "kept").mkdir()
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(Path(bytecode.__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "4711\n"
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_both_know_the_same_directory():
    assert bytecode.DIRECTORY == machines.BYTECODE_INSIDE
