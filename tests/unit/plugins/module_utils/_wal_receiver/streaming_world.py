# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PostgreSQL server and a Barman that receives from it, played out in a directory: no process, no network."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import Configuration, read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import ServerOutcome
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import timeline_history, wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import (
    ConnectionFailed,
    QueryFailed,
    StreamRefusal,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis import diagnose_connection
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.diagnosis_rules import Endpoint
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.observe import ReceiverHost
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.plan import receiver_position
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.request import ReceiverRequest, ReceiverState
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.run import set_receiver

MIB = 1 << 20
ME = pwd.getpwuid(os.geteuid()).pw_name


@dataclass
class FakeSlot:
    restart_lsn: int
    active_pid: int | None = None
    wal_status: str = "reserved"


@dataclass
class Postgres:
    """What the server has. oldest: the number of the oldest segment that is left. history: that of its timeline."""

    lsn: int = 5 * MIB + 1000
    timeline: int = 1
    oldest: int = 1
    history: str = ""
    in_recovery: bool = False
    identifier: str = "7000000000000000001"
    slots: dict[str, FakeSlot] = field(default_factory=dict)
    slots_left: int = 10
    refuses: dict[str, str] = field(default_factory=dict)
    progress: list[list[dict[str, Any]]] = field(default_factory=list)
    redo: int = 5 * MIB
    followed: int = 1
    follows: bool = True
    checkpoints: int = 0
    markers: int = 0
    switches: int = 0
    synchronous_standby_names: str = ""
    synchronous_commit: str = "on"
    german: bool = False
    promoted: bool = False
    archive_mode: str = "on"
    archived_wal: str | None = None
    failed_wal: str | None = None
    # When the receiver connected.
    since: float = -3600.0

    def timeline_segments(self) -> list[timeline_history.TimelineSegment]:
        return timeline_history.parse_history(self.timeline, self.history)

    def refusal(self, lsn: int, timeline: int) -> StreamRefusal | None:
        """As PostgreSQL refuses, with its SQLSTATE; in German with lc_messages."""
        text = self.refusal_text(lsn, timeline)
        if text is None:
            return None
        removed = "has already been removed" in text
        # Shortened: nobody may read it.
        return StreamRefusal("FEHLER:  so nicht" if self.german else text, "58P01" if removed else "XX000")

    def refusal_text(self, lsn: int, timeline: int) -> str | None:
        segments = [segment for segment in self.timeline_segments() if segment.timeline == timeline]
        if not segments:
            return f"ERROR:  requested timeline {timeline} is not in this server's history"
        end = segments[0].end
        if end is not None and lsn >= end:
            return f"ERROR:  requested starting point {wal.format_lsn(lsn)} on timeline {timeline} is not in this server's history"
        if lsn > self.lsn:
            return f"ERROR:  requested starting point {wal.format_lsn(lsn)} is ahead of the WAL flush position of this server"
        if lsn // MIB < self.oldest:
            name = wal.segment_of_lsn(timeline, lsn, MIB)
            return f"ERROR:  requested WAL segment {name} has already been removed"
        return None


class FakeSession:
    def __init__(self, world: StreamingWorld, conninfo: str, *, replication: bool) -> None:
        self._world = world
        self._pg = world.postgres
        self._replication = replication
        self.endpoint = Endpoint("198.51.100.10", "5432", "someone", "postgres", replication, "main")
        self.closed = False
        self.version = 17
        world.sessions.append(self)

    def close(self) -> None:
        self.closed = True

    def try_stream(self, lsn: int, timeline: int, patience: float = 5.0) -> StreamRefusal | None:
        assert self._replication
        self._world.log.append(f"try {wal.segment_of_lsn(timeline, lsn, MIB)}")
        return self._pg.refusal(lsn, timeline)

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        assert not self.closed
        for words, reason in self._pg.refuses.items():
            if words in sql:
                raise QueryFailed(f"PostgreSQL refused '{words}': {reason}")
        pg = self._pg
        if "pg_stat_archiver" in sql:
            return [
                {
                    "mode": pg.archive_mode,
                    "last_archived_wal": pg.archived_wal,
                    "last_failed_wal": pg.failed_wal,
                    "failed_count": 7,
                    "failing": pg.failed_wal is not None,
                    "command": "barman-wal-archive backup main %p # pgdr.barman",
                }
            ]
        if "pg_replication_slots" in sql:
            slot = pg.slots.get(params[0])
            if slot is None:
                return []
            return [
                {
                    "slot_name": params[0],
                    "active": slot.active_pid is not None,
                    "active_pid": slot.active_pid,
                    "restart_lsn": None if slot.wal_status == "lost" else wal.format_lsn(slot.restart_lsn),
                    "wal_status": slot.wal_status,
                }
            ]
        if "current_setting('synchronous_standby_names')" in sql:
            flushed = None if pg.in_recovery else wal.format_lsn(pg.lsn)
            return [{"names": pg.synchronous_standby_names, "commit": pg.synchronous_commit, "flushed": flushed}]
        if "pg_stat_progress_basebackup" in sql:
            return pg.progress.pop(0) if pg.progress else []
        if "pg_stat_replication" in sql:
            return self._world.senders()
        if "pg_stat_activity" in sql:
            return [{"application_name": "pg_recvlogical", "client_addr": "198.51.100.99"}]
        if "pg_control_checkpoint" in sql:
            behind = 0 if pg.follows else 4 * MIB
            return [
                {
                    "replayed": wal.format_lsn(pg.lsn - behind),
                    "timeline": pg.followed,
                    "redo": wal.format_lsn(pg.redo),
                    "in_recovery": not pg.promoted,
                }
            ]
        if "pg_walfile_name" in sql:
            return [{"timeline": f"{pg.timeline:08X}"}]
        if sql == "CHECKPOINT" or "pg_start_backup" in sql:
            pg.redo = pg.lsn
            pg.lsn += 100
            pg.checkpoints += 1
            self._world.log.append(sql.split("(")[0])
            return []
        if "pg_stop_backup" in sql:
            return []
        if sql.startswith("SELECT pg_catalog.pg_current_wal_lsn()"):
            return [{"lsn": wal.format_lsn(pg.lsn)}]
        if "pg_is_in_recovery" in sql:
            return [{"lsn": wal.format_lsn(pg.lsn), "in_recovery": pg.in_recovery, "segment_size": MIB}]
        if sql.startswith("SET "):
            return []
        if "pg_logical_emit_message" in sql:
            assert not pg.in_recovery
            pg.lsn += 100
            pg.markers += 1
            self._world.deliver()
            return []
        if "pg_switch_wal" in sql:
            assert not pg.in_recovery
            if pg.lsn % MIB:
                pg.lsn = (pg.lsn // MIB + 1) * MIB
            pg.switches += 1
            self._world.deliver()
            return [{"lsn": wal.format_lsn(pg.lsn)}]
        assert self._replication, sql
        if sql == "SHOW synchronous_standby_names":
            return [{"synchronous_standby_names": pg.synchronous_standby_names}]
        word, *rest = sql.split()
        if word == "IDENTIFY_SYSTEM":
            return [{"systemid": pg.identifier, "timeline": pg.timeline, "xlogpos": wal.format_lsn(pg.lsn)}]
        if word == "TIMELINE_HISTORY":
            return [{"filename": "x", "content": pg.history}]
        if word == "CREATE_REPLICATION_SLOT":
            if len(pg.slots) >= pg.slots_left:
                raise QueryFailed("PostgreSQL refused it: all replication slots are in use")
            pg.slots[rest[0].strip('"')] = FakeSlot(pg.oldest * MIB)
            self._world.log.append("create slot")
            return []
        if word == "DROP_REPLICATION_SLOT":
            assert pg.slots.pop(rest[0].strip('"')).active_pid is None
            self._world.log.append("drop slot")
            return []
        raise AssertionError(sql)


class StreamingWorld:
    """One Barman host with the server "main", and its PostgreSQL. Time passes only where something waits."""

    def __init__(self, path: Path, **options: str) -> None:
        self.home = path / "home"
        self.main = path / "barman.conf"
        (path / "barman.d").mkdir()
        self.log_file = path / "barman.log"
        self.log_file.write_text("")
        self.main.write_text(
            f"[barman]\nbarman_home = {self.home}\nconfiguration_files_directory = {path / 'barman.d'}\n"
            f"log_file = {self.log_file}\n"
        )
        self.options = {
            "conninfo": "host=198.51.100.10 user=barman dbname=postgres",
            "streaming_conninfo": "host=198.51.100.10 user=streaming_barman",
            "backup_method": "postgres",
            "streaming_archiver": "on",
            "slot_name": "barman",
            **options,
        }
        self.entry = path / "barman.d" / "main.conf"
        self.write_entry()
        self.place = self.home / "main"
        for name in ("base", "wals", "streaming", "incoming", "meta"):
            (self.place / name).mkdir(parents=True)
        self.streaming = self.place / "streaming"
        self.postgres = Postgres()
        self.sessions: list[FakeSession] = []
        self.unreachable: dict[bool, str] = {}
        self.pid: int | None = None
        # Whether the receiver confirms everything at once, which Barman decides when it starts it.
        self.synchronous = False
        self.deaf = False
        self.archives_from: int | None = None
        self.log: list[str] = []
        self.barman = Barman(self.run, ME, str(self.main))
        self.time = 0.0
        self.during: list[Callable[[], None]] = []
        self.checks: dict[str, dict[str, str]] = {}
        # What Barman says instead of doing it, by its command.
        self.broken: dict[str, str] = {}
        self.on_backup: Callable[[list[str]], Completed | None] = lambda argv: None

    # What code under test is given

    def write_entry(self) -> None:
        lines = "".join(f"{key} = {value}\n" for key, value in self.options.items())
        self.entry.write_text(f"[main]\n{lines}")

    @property
    def configuration(self) -> Configuration:
        return read(str(self.main))

    def connect(
        self, conninfo: str, user: str | None = None, server: str | None = None, *, replication: bool = False
    ) -> FakeSession:
        assert user == ME
        if replication in self.unreachable:
            endpoint = Endpoint("198.51.100.10", "5432", "someone", "postgres", replication, server)
            raise ConnectionFailed(diagnose_connection(self.unreachable[replication], endpoint))
        return FakeSession(self, conninfo, replication=replication)

    def clock(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        """Something waits: time passes, and what was to happen meanwhile happens."""
        self.time += seconds
        if self.during:
            self.during.pop(0)()

    def command_line(self, pid: int) -> str | None:
        return "/usr/bin/python3 /usr/bin/barman -q receive-wal main" if pid == self.pid else None

    def ensure_receiver(
        self, state: str, *, check: bool = False, timeout: float = 5.0, **request: Any
    ) -> ServerOutcome:
        """What the module does for the server. request: the other fields of ReceiverRequest."""
        configuration = self.configuration
        host = ReceiverHost(
            self.barman,
            configuration,
            configuration.server("main"),
            self.connect,
            timeout,
            self.clock,
            self.pause,
            self.command_line,
        )
        return set_receiver(host, ReceiverRequest(ReceiverState(state), **request), check_mode=check)

    # What is there

    def archived(self) -> list[str]:
        return sorted(path.name for path in (self.place / "wals").glob("????????????????/*"))

    def received(self) -> list[str]:
        return sorted(path.name for path in self.streaming.iterdir())

    def archive(self, *numbers: int, timeline: int = 1) -> None:
        for number in numbers:
            self._archive_file(str(wal.segment_of_number(timeline, number, MIB)))

    def _archive_file(self, name: str) -> None:
        directory = self.place / "wals" / name[:16]
        directory.mkdir(exist_ok=True)
        (directory / name).write_bytes(b"")

    def receive(self, name: str) -> None:
        path = self.streaming / name
        path.write_bytes(b"")
        os.truncate(path, MIB)

    def backup(self, backup_id: str, begin: int, end: int, timeline: int = 1, **values: object) -> None:
        fields: dict[str, object] = {
            "status": "DONE",
            "mode": "postgres",
            "begin_wal": wal.segment_of_number(timeline, begin, MIB),
            "end_wal": wal.segment_of_number(timeline, end, MIB),
            "begin_time": "2026-11-20 07:59:00+00:00",
            "end_time": "2026-11-20 08:00:00+00:00",
            "timeline": timeline,
            "xlog_segment_size": MIB,
            "version": 170011,
            "size": 3000,
            "copy_stats": "{'total_time': 1.5}",
            **values,
        }
        text = "".join(f"{key}={value}\n" for key, value in fields.items())
        (self.place / "meta" / f"{backup_id}-backup.info").write_text(text)

    # What happens

    def start_receiver(self) -> None:
        """What pg_receivewal does at its start."""
        pg = self.postgres
        files = [(path.name, path.stat().st_size) for path in self.streaming.iterdir()]
        position = receiver_position(files, MIB)
        slot = pg.slots.get(self.options["slot_name"])
        if position is not None:
            segment = position.segment
        else:
            start = slot.restart_lsn if slot is not None else pg.lsn
            segment = wal.segment_of_lsn(pg.timeline, start, MIB)
        output = "[4711] barman.server INFO: Starting receive-wal for server main\n"
        refusal = pg.refusal(segment.begin_lsn(MIB), segment.timeline)
        if refusal is not None or slot is None or slot.active_pid is not None:
            reason = refusal or 'ERROR:  replication slot "barman" does not exist'
            output += f"[4711] barman.command_wrappers INFO: main: pg_receivewal: error: {reason}\n"
        else:
            self.pid = 4711
            self.synchronous = "barman_receive_wal" in pg.synchronous_standby_names and not self.deaf
            slot.active_pid = 99
            (self.home / ".main-receive-wal.lock").write_text("4711\n")
            self._next = segment
        with self.log_file.open("a") as stream:
            stream.write(output)
        self.deliver()

    def stop_receiver(self) -> None:
        self.pid = None
        for slot in self.postgres.slots.values():
            if slot.active_pid == 99:
                slot.active_pid = None

    def senders(self) -> list[dict[str, Any]]:
        if self.pid is None:
            return []
        return [
            {
                "pid": 99,
                "application_name": "barman_receive_wal",
                "client_addr": "198.51.100.11",
                "state": "streaming",
                "sent_lsn": None,
                "flush_lsn": None,
                "age": self.time - self.postgres.since,
                "sync_state": "sync" if "barman_receive_wal" in self.postgres.synchronous_standby_names else "async",
                "flushed": wal.format_lsn(self.postgres.lsn if self.synchronous else self.postgres.lsn // MIB * MIB),
            }
        ]

    def deliver(self) -> None:
        """The receiver writes what PostgreSQL has: complete segments, and a partial one where there are bytes for it.

        Where it archives too, archive_command brings the complete ones from then on.
        """
        pg = self.postgres
        if self.archives_from is not None:
            for number in range(self.archives_from, pg.lsn // MIB):
                (self.place / "incoming" / str(wal.segment_of_number(pg.timeline, number, MIB))).write_bytes(b"")
                self.archives_from = number + 1
        if self.pid is None:
            return
        while pg.lsn > self._next.begin_lsn(MIB):
            following = self._next.next(MIB)
            if pg.lsn < following.begin_lsn(MIB):
                self.receive(f"{self._next}.partial")
                break
            (self.streaming / f"{self._next}.partial").unlink(missing_ok=True)
            self.receive(str(self._next))
            ends = {
                segment.end // MIB
                for segment in pg.timeline_segments()
                if segment.end is not None and segment.timeline == self._next.timeline
            }
            self._next = following
            if self._next.number(MIB) in ends:
                self._next = wal.Segment(self._next.timeline + 1, self._next.log, self._next.seg)

    def archive_wal(self) -> None:
        """What Barman does: everything goes, but for the newest file."""
        names = self.received()
        keep = [name for name in names if name.endswith(".partial")][-1:] or names[-1:]
        for name in names:
            if name not in keep:
                (self.streaming / name).unlink()
                self._archive_file(name)
        if self.options.get("archiver") == "on":
            for path in (self.place / "incoming").iterdir():
                self._archive_file(path.name)
                path.unlink()

    def run(self, command: Command) -> Completed:
        argv = list(command.argv)
        assert command.user == ME
        words = [word for word in argv if word not in ("barman", "-c", str(self.main), "-f", "json", "-q")]
        self.log.append(" ".join(words))
        if words[:2] == ["setsid", "--fork"]:
            if self.pid is None:
                self.start_receiver()
            return Completed(argv, 0)
        if words[0] == "--version":
            return Completed(argv, 0, "3.13.3 Barman by EnterpriseDB\n")
        if words[0] in self.broken:
            return Completed(argv, 1, "", self.broken[words[0]])
        if words[:2] == ["receive-wal", "--stop"]:
            self.stop_receiver()
        elif words[0] == "archive-wal":
            self.archive_wal()
        elif words[0] == "check-backup":
            self.check_backup(words[2])
        elif words[0] == "check":
            return Completed(argv, 1, json.dumps({"main": self.checks}))
        elif words[0] == "backup":
            while command.tick is not None and self.postgres.progress:
                command.tick()
            answer = self.on_backup(words)
            if answer is not None:
                return answer
        else:
            raise AssertionError(words)
        return Completed(argv, 0, "{}")

    def check_backup(self, backup_id: str) -> None:
        path = self.place / "meta" / f"{backup_id}-backup.info"
        text = path.read_text()
        fields = dict(line.split("=", 1) for line in text.splitlines())
        begin, end = (wal.parse_segment(fields[key]) for key in ("begin_wal", "end_wal"))
        if not timeline_history.gaps(wal.segments_in(self.archived()), begin, None, MIB, end):
            path.write_text(text.replace("status=WAITING_FOR_WALS", "status=DONE"))
