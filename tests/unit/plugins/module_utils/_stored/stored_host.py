# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup host whose backups have manifests, and whose WAL was written by PostgreSQL."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import wal
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.wal_reader import scan
from ansible_collections.pgdr.barman.plugins.module_utils._stored.request import StoredVerificationRequest
from ansible_collections.pgdr.barman.plugins.module_utils._stored.run import StoredEnvironment, verify_servers
from tests.unit.plugins.module_utils._backup.test_verification import FILES, manifest
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost
from tests.unit.plugins.module_utils._postgres.test_wal_reader import FIXTURES, MIB

NOW = 1_800_000_000.0
BACKUP = "20270110T080000"
PLAIN = {name: data for name, data in FILES.items() if not name.startswith("pg_tblspc/")}


class StoredHost:
    """Server "pg" with a backup, and four archived segments of 1 MiB. answers: exit status and output of programs, by their names."""

    def __init__(self, path: Path, name: str = "pg") -> None:
        self.files = BarmanHost(path)
        self.place = self.files.server(name)
        self.name = name
        self.now = NOW
        self.answers: dict[str, tuple[int, str]] = {}
        self.commands: list[list[str]] = []
        paths = sorted((FIXTURES / "17").glob("*.gz"))[:4]
        content = {wal.parse_segment(one.name[: -len(".gz")]): gzip.decompress(one.read_bytes()) for one in paths}
        self.segments = list(content)
        self.system = scan(content[self.segments[0]]).system_identifier
        for segment, data in content.items():
            self.wal_path(segment).parent.mkdir(exist_ok=True)
            self.wal_path(segment).write_bytes(data)
            os.utime(self.wal_path(segment), (NOW - 86400, NOW - 86400))
        self.record_wal()
        self.back_up(BACKUP)

    def wal_path(self, segment: wal.Segment) -> Path:
        return self.place / "wals" / segment.directory / str(segment)

    def record_wal(self) -> None:
        """Write xlog.db."""
        lines = [f"{path.name}\t{path.stat().st_size}\t0\tNone\n" for path in sorted((self.place / "wals").glob("*/*"))]
        (self.place / "wals" / "xlog.db").write_text("".join(lines))

    def back_up(
        self, backup_id: str, files: Mapping[str, bytes] = PLAIN, *, with_manifest: bool = True, **values: object
    ) -> None:
        number = self.segments[0].number(MIB)
        fields: dict[str, Any] = {
            "begin_wal": self.segments[0],
            "end_wal": self.segments[0],
            "end_time": "2027-01-10 08:00:00+00:00",
            "systemid": self.system,
            "version": 170000,
            "size": sum(map(len, files.values())),
            "xlog_segment_size": MIB,
            **values,
        }
        self.files.backup(self.name, backup_id, number, **fields)
        for name, data in files.items():
            path = self.file(name, backup_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if with_manifest:
            self.file("backup_manifest", backup_id).write_bytes(manifest(dict(files)))

    def file(self, name: str, backup_id: str = BACKUP) -> Path:
        directory = self.place / "base" / backup_id
        return directory / name.split("/", 1)[1] if name.startswith("pg_tblspc/") else directory / "data" / name

    def run(self, command: Command) -> Completed:
        """Programs that answer as a test wants it."""
        argv = list(command.argv)
        self.commands.append(argv)
        if "generate-manifest" in argv and self.answers.get("generate-manifest", (0, ""))[0] == 0:
            files = {
                str(one.relative_to(self.file(""))): one.read_bytes()
                for one in self.file("").rglob("*")
                if one.is_file()
            }
            self.file("backup_manifest", argv[-1]).write_bytes(manifest(files, "SHA256"))
        name = next((one for one in self.answers if one in " ".join(argv)), "")
        rc, text = self.answers.get(name, (0, ""))
        return Completed(argv, rc, "", text)

    @property
    def environment(self) -> StoredEnvironment:
        barman = Barman(self.run, "nobody", str(self.files.main))
        return StoredEnvironment(barman, read(str(self.files.main)), self.run, now=lambda: self.now)

    def verify(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        request = StoredVerificationRequest(**{"everything": True, "priority": "normal", **options})
        found: dict[str, Any] = verify_servers(request, self.environment, check_mode=check_mode)["verifications"][
            self.name
        ]
        return found

    def change(self, path: Path, offset: int = 0, data: bytes = b"NOISE") -> None:
        content = bytearray(path.read_bytes())
        content[offset : offset + len(data)] = data
        path.write_bytes(content)
