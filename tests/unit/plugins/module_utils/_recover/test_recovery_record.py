# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that die at every step, and what the next one knows: on real directories, with systemd made up."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError
from ansible_collections.pgdr.barman.plugins.module_utils._recover import recovery_record
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_record import Content, RecordEvent, Request
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_record_files import RecordFiles


class Host:
    """A host with a data directory of real data, and the steps of the playbook pgdr.barman.recover on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "17" / "main"
        self.data.mkdir(parents=True)
        (self.data / "content").write_text("real")
        self.units = root / "units"
        self.reloads = 0
        self.number = 0

    def systemctl(self, command: Command) -> Completed:
        if command.argv[1] == "show":
            return Completed(command.argv, 0, f"{command.argv[-1]}.service\n")
        self.reloads += 1
        return Completed(command.argv, 0)

    @property
    def files(self) -> RecordFiles:
        return RecordFiles(str(self.data), self.systemctl, str(self.units))

    def record(self, event: RecordEvent, run: str = "", *, check_mode: bool = False) -> dict[str, object]:
        aside = f"{self.data}.{run}"
        request = Request(
            event,
            str(self.data),
            run=run,
            service="postgresql@17-main",
            server="pg",
            backup_id="20261120T070150",
            now="2026-11-20T08:30:00+00:00",
            moves=((str(self.data), aside),) if self.data.exists() else (),
        )
        applied = self.files.apply(request, check_mode=check_mode)
        return recovery_record.as_result(applied.record, applied.exists, applied.path)

    @property
    def can_start(self) -> bool:
        """As systemd decides: each AssertPathExists of the unit's drop-ins."""
        for path in self.units.glob("postgresql@17-main.service.d/*.conf"):
            for line in path.read_text().splitlines():
                if line.startswith("AssertPathExists=!") and os.path.lexists(line.partition("!")[2]):
                    return False
        return True

    @property
    def content(self) -> str:
        path = self.data / "content"
        return path.read_text() if path.exists() else "half"

    def steps(self, run: str) -> Sequence[Callable[[], object]]:
        return (
            lambda: self.record(RecordEvent.BEGIN, run),
            lambda: self.record(RecordEvent.RESTORE, run),
            # An earlier run may have died between the two.
            lambda: self.data.exists() and self.data.rename(f"{self.data}.{run}"),
            lambda: self.data.mkdir(),
            lambda: (self.data / "content").write_text(f"restored {run}"),
            lambda: self.record(RecordEvent.PROVE, run),
            lambda: self.record(RecordEvent.FINISH, run),
        )

    def recover(self, steps: int = 99) -> str:
        """A run that dies after that many steps."""
        self.number += 1
        run = f"run-{self.number}"
        for step in self.steps(run)[:steps]:
            step()
        return run


PROVEN_AT = 6


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@given(deaths=st.lists(st.integers(min_value=0, max_value=7), min_size=1, max_size=4))
def test_wherever_runs_die_the_real_data_has_a_name_and_nothing_unproven_starts(
    tmp_path_factory: pytest.TempPathFactory, deaths: list[int]
) -> None:
    host = Host(tmp_path_factory.mktemp("host"))
    real = "real"
    for death in deaths:
        run = host.recover(death)
        if death >= PROVEN_AT:
            real = f"restored {run}"
        known = host.record(RecordEvent.READ)
        assert (Path(str(known["data"] or host.data)) / "content").read_text() == real
        if host.content != real:
            assert known["content"] == "unproven"
            assert not known["startable"]
            assert not host.can_start
        # Between stop and proof it does not start, whatever is there; after the proof it does.
        assert death == 0 or host.can_start == (death >= PROVEN_AT)
        every = {str(path) for path in host.data.parent.glob("main.run-*")}
        assert {str(one["to"]) for one in known["moved_aside"]} == every  # type: ignore[attr-defined]


def test_the_report_of_the_third_run_has_the_real_data(host: Host) -> None:
    host.recover(5)
    second = host.recover(5)
    third = host.recover()
    known = host.record(RecordEvent.READ)
    assert [(one["to"], one["unproven"]) for one in known["moved_aside"]] == [  # type: ignore[attr-defined]
        (f"{host.data}.run-1", False),
        (f"{host.data}.{second}", True),
        (f"{host.data}.{third}", True),
    ]
    assert known["content"] == "proven"
    assert host.can_start
    assert list(host.units.rglob("*")) == []


def test_what_was_removed_is_in_no_report_any_more(host: Host) -> None:
    run = host.recover()
    (host.data.parent / f"main.{run}" / "content").unlink()
    (host.data.parent / f"main.{run}").rmdir()
    assert host.record(RecordEvent.READ)["moved_aside"] == []
    assert host.record(RecordEvent.READ)["messages"] == []


def test_a_run_that_changed_nothing_leaves_nothing(host: Host) -> None:
    host.record(RecordEvent.BEGIN, "run-1")
    began = host.can_start
    left = host.record(RecordEvent.ABANDON, "run-1")
    assert (left["record"], left["startable"], left["untouched"]) == (None, True, True)
    assert (began, host.can_start) == (False, True)
    assert sorted(path.name for path in host.data.parent.iterdir()) == ["main"]


def test_a_run_that_changed_nothing_leaves_what_was_recorded_before(host: Host) -> None:
    host.recover(5)
    before = host.record(RecordEvent.READ)
    host.record(RecordEvent.BEGIN, "run-2")
    host.record(RecordEvent.RESTORE, "run-2")
    assert host.record(RecordEvent.ABANDON, "run-2") == before
    assert before["data"] == f"{host.data}.run-1"
    assert not before["startable"]
    assert not host.can_start


def test_after_a_killed_run_that_changed_nothing_the_next_one_clears_up(host: Host) -> None:
    host.recover(1)
    host.record(RecordEvent.BEGIN, "run-2")
    assert host.record(RecordEvent.ABANDON, "run-2")["record"] is None
    assert host.can_start


def test_a_run_that_has_moved_keeps_its_record(host: Host) -> None:
    run = host.recover(4)
    left = host.record(RecordEvent.ABANDON, run)
    assert (left["startable"], left["data"]) == (False, f"{host.data}.{run}")
    text = " ".join(left["messages"])  # type: ignore[arg-type]
    assert f"nothing has proven it. The data from before it is in {host.data}.{run}." in text
    assert "postgresql@17-main can't be started until a recovery is proven: run it again." in text
    assert f"rename {host.data} to another name and {host.data}.{run} to {host.data}, and remove" in text


def test_the_manual_steps_back_name_the_directories_in_use() -> None:
    """The content of a mount point is moved aside inside of it, and the old data directory's links follow it."""
    moves = (
        recovery_record.Move("/data/17", "/data/17.old", "run"),
        recovery_record.Move("/ts/fast", "/ts/fast/aside", "run"),
    )
    record = recovery_record.Record(
        "/data/17",
        "postgresql@17-main",
        "run",
        "pg",
        "20261120T070150",
        "end",
        "now",
        recovery_record.Phase.RESTORING,
        moves=moves,
    )
    exists = {"/data/17", "/data/17.old", "/ts/fast/aside"}
    text = " ".join(recovery_record.messages(record, exists, "/data/17.pgdr-recovery.json"))
    assert "rename /data/17 to another name and /data/17.old to /data/17, and remove" in text
    assert "Its links lead to /ts/fast/aside: leave these directories where they are" in text
    assert "What else is in /ts/fast is of the recovery that failed" in text


def test_whoever_removes_the_record_can_start(host: Host) -> None:
    host.recover(5)
    (host.data.parent / "main.pgdr-recovery.json").unlink()
    assert host.can_start
    assert host.record(RecordEvent.READ)["content"] == "original"
    host.recover(1)
    host.record(RecordEvent.REMOVE)
    assert host.can_start
    assert list(host.units.rglob("*")) == []


@pytest.mark.parametrize("event", [RecordEvent.RESTORE, RecordEvent.PROVE, RecordEvent.FINISH, RecordEvent.ABANDON])
def test_a_run_changes_no_record_of_another(host: Host, event: RecordEvent) -> None:
    with pytest.raises(HostError, match="is gone, and not of run other"):
        host.record(event, "other")
    host.record(RecordEvent.BEGIN, "run-1")
    with pytest.raises(HostError, match="is of run run-1, and not of run other"):
        host.record(event, "other")


def test_check_mode_changes_nothing(host: Host) -> None:
    before = sorted(host.root.rglob("*"))
    assert host.record(RecordEvent.BEGIN, "run-1", check_mode=True)["guarded"]
    assert sorted(host.root.rglob("*")) == before
    assert host.reloads == 0


def test_the_same_event_twice_changes_nothing(host: Host) -> None:
    host.record(RecordEvent.BEGIN, "run-1")
    request = Request(RecordEvent.BEGIN, str(host.data), run="run-1", service="postgresql@17-main", moves=(("a", "b"),))
    assert not host.files.apply(request, check_mode=False).changed


def test_no_link_is_followed(host: Host) -> None:
    elsewhere = host.root / "elsewhere"
    elsewhere.write_text("precious")
    record = host.data.parent / "main.pgdr-recovery.json"
    record.symlink_to(elsewhere)
    (host.data.parent / ".main.pgdr-recovery.json.new").symlink_to(elsewhere)
    with pytest.raises(HostError, match="can't be read"):
        host.record(RecordEvent.READ)
    record.unlink()
    host.record(RecordEvent.BEGIN, "run-1")
    assert elsewhere.read_text() == "precious"
    assert stat.S_IMODE(record.lstat().st_mode) == 0o600
    assert not record.is_symlink()


def test_what_is_no_record_is_never_overwritten(host: Host) -> None:
    record = host.data.parent / "main.pgdr-recovery.json"
    for text in ("", "[]", "{}", json.dumps({"format": 99})):
        record.write_text(text)
        for event in (RecordEvent.READ, RecordEvent.BEGIN, RecordEvent.REMOVE):
            with pytest.raises(HostError, match="can't be understood"):
                host.record(event, "run-1")
        assert record.read_text() == text


def test_a_data_directory_on_disks_from_snapshots_is_unproven_without_any_move(host: Host) -> None:
    request = Request(RecordEvent.BEGIN, str(host.data), run="run-1", service="postgresql@17-main")
    host.files.apply(request, check_mode=False)
    host.record(RecordEvent.RESTORE, "run-1")
    known = host.record(RecordEvent.READ)
    assert known["content"] == Content.UNPROVEN.value
    assert known["data"] is None
    assert "No directory with the data from before it is recorded." in " ".join(known["messages"])  # type: ignore[arg-type]
