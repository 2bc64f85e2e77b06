# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup host's files for tests: configuration, backups and WAL of made-up servers, and a Barman that answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, CommandTimeout, Completed


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


class BarmanHost:
    """What is in the directories, and what Barman answers to "check" and "list-backups"."""

    def __init__(self, path: Path) -> None:
        self.home = path / "home"
        self.main = path / "barman.conf"
        self.directory = path / "barman.d"
        self.directory.mkdir()
        self.main.write_text(f"[barman]\nbarman_home = {self.home}\nconfiguration_files_directory = {self.directory}\n")
        self.failed: dict[str, dict[str, str]] = {}
        self.statuses: dict[str, dict[str, str]] = {}
        self.stderr = ""
        self.slow: set[str] = set()
        self.silent: set[str] = set()
        self.calls: list[list[str]] = []
        self.barman = Barman(self, "root" if os.geteuid() == 0 else "nobody", str(self.main))

    def server(self, name: str, **options: str) -> Path:
        """An entry, and its directories. Returns the backup directory."""
        lines = "".join(f"{key} = {value}\n" for key, value in options.items())
        (self.directory / f"{name}.conf").write_text(f"[{name}]\n{lines}")
        place = self.home / name
        for directory in ("base", "wals", "streaming", "incoming", "meta"):
            (place / directory).mkdir(parents=True)
        return place

    def backup(self, server: str, backup_id: str, begin: int, end: int | None = None, **values: object) -> None:
        fields: dict[str, object] = {
            "status": "DONE",
            "mode": "postgres",
            "begin_wal": segment(begin, int(str(values.get("timeline", 1)))),
            "end_wal": segment(begin if end is None else end, int(str(values.get("timeline", 1)))),
            "end_time": "2026-11-20 08:00:00+00:00",
            "timeline": 1,
            **values,
        }
        text = "".join(f"{key}={value}\n" for key, value in fields.items())
        (self.home / server / "meta" / f"{backup_id}-backup.info").write_text(text)
        (self.home / server / "base" / backup_id / "data").mkdir(parents=True, exist_ok=True)

    def wal(self, server: str, numbers: Iterable[int], timeline: int = 1) -> None:
        for number in numbers:
            name = segment(number, timeline)
            place = self.home / server / "wals" / name[:16]
            place.mkdir(exist_ok=True)
            (place / name).write_bytes(b"x" * 10)

    def history(self, server: str, timeline: int, text: str) -> None:
        (self.home / server / "wals" / f"{timeline:08X}.history").write_text(text)

    def __call__(self, command: Command) -> Completed:
        argv = list(command.argv)
        words = [word for word in argv[1:] if word not in ("-c", str(self.main), "-f", "json")]
        self.calls.append(words)
        if words[0] == "list-backups":
            document = {
                name: [
                    {"backup_id": key, "retention_status": status}
                    for key, status in self.statuses.get(name, {}).items()
                ]
                for name in words[1:]
            }
            return Completed(argv, 1 if self.stderr else 0, "" if self.stderr else json.dumps(document), self.stderr)
        if self.slow.intersection(words[1:]):
            raise CommandTimeout("'barman check' did not end within 90 s")
        lines, rc = [], 0
        for name in words[1:]:
            if name in self.silent:
                rc = 1
                continue
            failed = self.failed.get(name, {})
            lines.append(f"Server {name}:")
            for check in dict.fromkeys(("PostgreSQL", "PostgreSQL streaming", "directories", *failed)):
                if check in failed:
                    rc = 1
                    lines.append(f"\t{check}: FAILED" + (f" ({failed[check]})" if failed[check] else ""))
                else:
                    lines.append(f"\t{check}: OK")
        return Completed(argv, 1 if self.stderr else rc, "\n".join(lines) + "\n", self.stderr)
