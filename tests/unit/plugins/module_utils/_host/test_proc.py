# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of a host, and their arguments."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.proc import (
    command_line,
    process_arguments,
    process_ids,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from tests.conftest import REPOSITORY


def test_the_arguments_of_a_process(tmp_path: Path) -> None:
    for pid, content in (("12", b"barman\0receive-wal\0a b\0\xff\0"), ("3", b"")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(content)
    (tmp_path / "self").mkdir()
    proc = str(tmp_path)
    assert process_ids(proc) == [3, 12]
    assert process_arguments(12, proc) == ["barman", "receive-wal", "a b", "\udcff"]
    assert command_line(12, proc) == "barman receive-wal a b \udcff"
    # A zombie.
    assert (process_arguments(3, proc), command_line(3, proc)) == ([], "")
    assert (process_arguments(4, proc), command_line(4, proc)) == (None, None)


def test_this_process() -> None:
    assert os.getpid() in process_ids()
    assert "python" in str(command_line(os.getpid()))
    assert command_line(999999999) is None


def test_processes_that_can_not_be_listed_are_not_none(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to(tmp_path / "proc")
    with pytest.raises(HostError, match="can't be read"):
        process_ids(str(tmp_path / "proc"))


def test_one_reader() -> None:
    plugins = REPOSITORY / "plugins"
    readers = {
        str(path.relative_to(plugins))
        for path in plugins.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and str(node.value).endswith("cmdline")
    }
    assert readers == {"module_utils/_host/proc.py"}
