# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recovery from WAL that PostgreSQL wrote and a backup with a manifest: refused before the destination is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup.verification import DamagedBackup
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import DONE, Backup
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._recover.destination import MARKER
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_plan import PlanError
from ansible_collections.pgdr.barman.plugins.module_utils._recover.request import RecoverError
from ansible_collections.pgdr.barman.plugins.module_utils._recover.result import RecoveryOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._recover.wal_verification import DamagedWal
from tests.unit.plugins.module_utils._backup.test_verification import FILES, Base
from tests.unit.plugins.module_utils._postgres.test_wal_reader import MIB
from tests.unit.plugins.module_utils._recover.recovery_host import RecoveryHost
from tests.unit.plugins.module_utils._recover.recovery_world import World, minute
from tests.unit.plugins.module_utils._recover.test_wal_verification import Files


class Server:
    """One with a backup in its first segment, three complete ones after it, and one that is being received."""

    def __init__(self, root: Path) -> None:
        (root / "archive").mkdir()
        self.files = Files(root / "archive")
        first = self.files.scan(0)
        self.backup = Backup(
            backup_id="20261120T081000",
            status=DONE,
            path="/nowhere/backup.info",
            begin_time=minute(9),
            end_time=first.events[0].time,
            begin_wal=str(self.files.segments[0]),
            end_wal=str(self.files.segments[0]),
            begin_lsn=wal.format_lsn(first.begin_lsn + 40),
            end_lsn=wal.format_lsn(first.events[0].lsn),
            timeline=1,
            systemid=str(first.system_identifier),
            version=170000,
            segment_size=MIB,
        )
        self.host = RecoveryHost(root, World(), [self.backup])
        self.host.copies_wal = lambda name: False
        self.base = Base(self.host.home / "pg" / "base")
        self.base.backup = self.backup
        self.base.write(FILES)
        self.new = root / "new"

    def recover(self, *, check_mode: bool = False, **params: Any) -> RecoveryOutcome:
        self.host.world = self.files.archive  # type: ignore[assignment]
        return self.host.recover(check_mode=check_mode, **{"verify_wal": True, "verify_backup": True, **params})

    def note_proof(self, state: str) -> None:
        """As verify_recovery does."""
        path = self.new / MARKER
        path.write_text(json.dumps({**json.loads(path.read_text()), "proof": state}))


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_backup_and_wal_are_verified_and_the_result_has_it(server: Server) -> None:
    for check_mode in (True, False):
        outcome = server.recover(check_mode=check_mode)
        verified = outcome.recovery["verified"]
        assert verified["backup"]["status"] == verified["wal"]["status"] == "verified"
        assert verified["backup"]["files"] == len(FILES)
        assert verified["wal"]["segments"] == 5
        assert outcome.warnings == []


def test_what_the_check_verified_is_not_read_again_by_the_recovery(server: Server) -> None:
    before = server.recover(check_mode=True).recovery["verified"]
    verified = server.recover(verified=before).recovery["verified"]
    assert verified["backup"]["reused"] is True
    assert verified["wal"]["reused"] == 3


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_truncated_segment_is_refused_before_anything_is_done(server: Server, number: int, check_mode: bool) -> None:
    server.files.write(number, server.files.read(number)[:500000])
    name = str(server.files.segments[number])
    # With the records' verification off as well: a size costs nothing.
    for verify in (True, False):
        with pytest.raises(HostError, match=f"{name}.*has 500000 bytes"):
            server.recover(check_mode=check_mode, verify_wal=verify)
    assert not server.new.exists()
    assert not server.host.ran("barman", "recover")


def test_the_error_of_a_truncated_segment_has_the_last_commit_before_it(server: Server) -> None:
    last = [event for event in server.files.scan(1).events if event.kind == "commit"][-1]
    # At three quarters of a page, in a segment that has commits before that, too.
    server.files.write(2, server.files.read(2)[: 20 * 8192 + 6144])
    expected = f"last commit before that is of .*transaction {last.xid}.*recover to that commit: barman_recover_target_lsn={wal.format_lsn(last.lsn)} "
    with pytest.raises(DamagedWal, match=expected):
        server.recover(check_mode=True)
    # And that is so.
    to_the_commit = server.recover(check_mode=True, target_lsn=wal.format_lsn(last.lsn))
    assert to_the_commit.recovery["verified"]["wal"]["status"] == "verified"


def test_a_truncated_segment_is_refused_without_reading_if_that_is_off(server: Server) -> None:
    server.files.write(2, server.files.read(2)[: 20 * 8192 + 6144])
    with pytest.raises(DamagedWal) as raised:
        server.recover(check_mode=True, verify_wal=False)
    assert "transaction" not in str(raised.value)


def test_damage_before_a_truncated_segment_is_reported_with_it(server: Server) -> None:
    server.files.write(2, server.files.read(2)[:14336])
    server.files.flip(1, 100000)
    with pytest.raises(DamagedWal) as raised:
        server.recover(check_mode=True)
    assert f"segment {server.files.segments[1]} of" in str(raised.value)
    assert f"{server.files.paths[server.files.segments[2]]} has 14336 bytes" in str(raised.value)


def test_a_target_that_is_not_found_in_truncated_wal_names_the_segment(server: Server) -> None:
    lsn = wal.format_lsn(server.files.scan(1).begin_lsn + 900000)
    server.files.write(1, server.files.read(1)[:500000])
    server.files.paths.pop(server.files.segments[2])
    with pytest.raises(PlanError, match=f"There is damaged WAL: .*{server.files.segments[1]} has 500000 bytes"):
        server.recover(target_lsn=lsn)


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_wrong_bit_is_refused_before_anything_is_done(server: Server, check_mode: bool) -> None:
    server.files.flip(1, 500000)
    with pytest.raises(DamagedWal, match=str(server.files.segments[1])):
        server.recover(check_mode=check_mode)
    assert not server.new.exists()
    assert server.recover(check_mode=True, verify_wal=False).recovery["verified"]["wal"] == {
        "status": "skipped",
        "reason": "verify_wal is false",
    }


def test_a_repaired_segment_is_recovered(server: Server) -> None:
    before = server.files.read(1)
    server.files.write(1, before[:500000])
    with pytest.raises(DamagedWal):
        server.recover()
    server.files.write(1, before)
    assert server.recover().changed is True


@pytest.mark.parametrize("check_mode", [True, False])
def test_noise_in_the_backup_is_refused_before_anything_is_done(server: Server, check_mode: bool) -> None:
    path = server.base.path("base/5/16384")
    path.write_bytes(b"noise" * 20000)
    with pytest.raises(DamagedBackup, match="base/5/16384"):
        server.recover(check_mode=check_mode)
    assert not server.new.exists()
    verified = server.recover(check_mode=check_mode, verify_backup=False).recovery["verified"]
    assert verified["backup"] == {"status": "skipped", "reason": "verify_backup is false"}


def test_what_could_not_be_verified_is_a_warning(server: Server) -> None:
    server.base.path("backup_manifest").unlink()
    outcome = server.recover(check_mode=True)
    assert outcome.recovery["verified"]["backup"]["status"] == "not verified"
    [warning] = outcome.warnings
    assert "the files of the backup were not verified" in warning
    assert "has no manifest" in warning


def test_only_the_segment_that_is_being_received_is_padded(server: Server) -> None:
    data = bytes(server.files.read(4))
    end = (server.files.scan(4).end_lsn or 0) - server.files.scan(4).begin_lsn
    server.files.write(4, data[: (end // 8192 + 1) * 8192])
    server.recover()
    assert (server.new / "barman_wal" / str(server.files.partial)).read_bytes() == data


def test_a_segment_that_was_damaged_since_it_was_verified_is_not_padded(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = server.host.run

    def damage_and_run(command: Any) -> Any:
        if "recover" in command.argv:
            server.files.write(1, server.files.read(1)[:500000])
        return run(command)

    monkeypatch.setattr(server.host, "run", damage_and_run)
    with pytest.raises(RecoverError, match=f"{server.files.segments[1]}.* is damaged .*it has 500000 bytes"):
        server.recover()


# What a run before this one left


def test_the_same_recovery_is_left_as_it_is(server: Server) -> None:
    server.recover()
    again = server.recover()
    assert again.changed is False
    assert again.recovery["verified"]["wal"]["status"] == "verified"
    server.note_proof("proven")
    assert server.recover().changed is False


def test_one_whose_proof_failed_or_never_ended_is_restored_anew(server: Server) -> None:
    server.recover()
    server.note_proof("unproven")
    outcome = server.recover(existing="move_aside")
    assert outcome.changed is True
    assert [pair["from"] for pair in outcome.moved_aside] == [str(server.new)]
    assert "proof" not in json.loads((server.new / MARKER).read_text())


def test_one_from_a_segment_that_was_replaced_since_is_restored_anew(server: Server) -> None:
    server.recover()
    server.files.write(1, server.files.read(1))
    assert server.recover(existing="move_aside").changed is True
