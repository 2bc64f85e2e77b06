# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of the machines of a scenario that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import evidence, machines
from tests.lab.host import LabError
from tests.lab.machines import Record
from tests.lab.spec import Machine

RECORD = Record(Machine("a", "backup", "sid", "198.51.100.30"), Path("/cache/sid-1/root"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    logs = tmp_path / "root/var/log"
    (logs / "barman").mkdir(parents=True)
    (logs / "postgresql").mkdir()
    (logs / "barman/barman.log").write_text("archived\n")
    (logs / "postgresql/postgresql-17-main.log").write_text("ready\n")
    return tmp_path / "root"


def test_the_logs_of_barman_and_postgresql_are_copied(root, tmp_path):
    evidence.copy_logs(root, tmp_path / "kept")
    assert (tmp_path / "kept/barman/barman.log").read_text() == "archived\n"
    assert (tmp_path / "kept/postgresql/postgresql-17-main.log").read_text() == "ready\n"


def test_links_and_directories_are_not_followed(root, tmp_path):
    (tmp_path / "of-the-host").write_text("secret")
    (root / "var/log/barman/link.log").symlink_to(tmp_path / "of-the-host")
    (root / "var/log/barman/directory").mkdir()
    evidence.copy_logs(root, tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept/barman").iterdir()] == ["barman.log"]


def test_a_machine_without_logs_is_no_error(tmp_path):
    evidence.copy_logs(tmp_path, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("largest", "kept"), [(4, b"6789"), (10, b"0123456789"), (11, b"0123456789")])
def test_the_end_of_a_large_log_is_copied(tmp_path, largest, kept):
    (tmp_path / "log").write_bytes(b"0123456789")
    evidence.copy_end(tmp_path / "log", tmp_path / "copy", largest)
    assert (tmp_path / "copy").read_bytes() == kept


def test_a_machine_that_is_off_has_the_logs_that_it_wrote(monkeypatch, root, tmp_path):
    monkeypatch.setattr(machines, "MACHINES", tmp_path / "machines")
    monkeypatch.setattr(machines, "leader", lambda record: None)
    RECORD.directory.mkdir(parents=True)
    (RECORD.directory / "console.log").write_text("booted\n")
    root.rename(RECORD.directory / "upper")
    called: list[list[str]] = []

    def run(argv, **_: object):
        called.append(argv)
        raise LabError("journalctl is not installed")

    monkeypatch.setattr(evidence, "run", run)
    evidence.collect(RECORD, tmp_path / "kept")
    assert [argv[:2] for argv in called] == [["journalctl", f"--directory={RECORD.directory}/upper/var/log/journal"]]
    assert (tmp_path / "kept/journal.txt").read_text() == "journalctl is not installed\n"
    assert (tmp_path / "kept/console.log").read_text() == "booted\n"
    assert (tmp_path / "kept/barman/barman.log").read_text() == "archived\n"
