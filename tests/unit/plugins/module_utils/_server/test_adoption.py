# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an existing Barman would lose, and the variables that keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._server.adoption import (
    DeclaredBarman,
    DeclaredEntry,
    foreign_schedules,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server.entries import DesiredEntry, render_entry
from ansible_collections.pgdr.barman.plugins.module_utils._server.existing import compare, is_filled
from ansible_collections.pgdr.barman.plugins.modules import host_state
from tests.unit.plugins.modules.running import run_main

ENTRY: dict[str, Any] = {
    "conninfo": "host=198.51.100.21 port=5432 user=barman dbname=postgres sslmode=prefer connect_timeout=10",
    "streaming_conninfo": "host=198.51.100.21 port=5432 user=streaming_barman sslmode=prefer",
    "backup_method": "postgres",
    "streaming_archiver": True,
    "archiver": False,
    "slot_name": "barman",
    "retention_policy": "RECOVERY WINDOW OF 14 DAYS",
    "minimum_redundancy": 1,
    "description": "PostgreSQL 17 on main",
    "create_slot": "auto",
    "ssh_command": "ssh -q -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30 postgres@198.51.100.21",
}
FOREIGN = """[main]
conninfo = host=198.51.100.21 user=barman dbname=postgres password=geheim
streaming_conninfo = host=198.51.100.21 user=streaming_barman
backup_method = postgres
streaming_archiver = on
slot_name = barman
retention_policy = RECOVERY WINDOW OF 14 DAYS
minimum_redundancy = 1
"""


class Host:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.home = path / "home"
        self.directory = path / "barman.d"
        self.main = path / "barman.conf"
        self.directory.mkdir()
        self.write()

    def write(self, **options: str) -> None:
        values = {"barman_home": self.home, "configuration_files_directory": self.directory, **options}
        self.main.write_text("[barman]\n" + "".join(f"{name} = {value}\n" for name, value in values.items()))

    def entry(self, text: str, name: str = "main") -> None:
        (self.directory / f"{name}.conf").write_text(text)

    def backup(self, name: str = "main") -> None:
        place = self.home / name / "base/20260101T000000/data"
        place.mkdir(parents=True)
        (place / "PG_VERSION").write_text("17\n")

    def problems(
        self, options: Any = None, given: Any = (), *, adopt: bool = True, global_given: Any = (), **more: Any
    ) -> Any:
        entries = [DeclaredEntry("main", {**ENTRY, **(options or {})}, given)]
        section = {
            "barman_home": str(self.home),
            "configuration_files_directory": str(self.directory),
            "barman_user": "root",
            **more,
        }
        return compare(DeclaredBarman(section, entries, global_given, adopt), "nobody", str(self.main), ())[0]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_host_without_barman(host: Host) -> None:
    host.main.unlink()
    assert host.problems() == []


def test_nothing_differs(host: Host) -> None:
    host.entry(FOREIGN)
    host.backup()
    assert host.problems() == []


@pytest.mark.parametrize(
    ("line", "keeps"),
    [
        ("retention_policy = RECOVERY WINDOW OF 30 DAYS", "barman_retention_policy: 'RECOVERY WINDOW OF 30 DAYS'"),
        ("minimum_redundancy = 3", "barman_minimum_redundancy: 3"),
        ("compression = gzip", "barman_options: {compression: gzip}"),
        ("slot_name = old_slot", "barman_slot_name: old_slot"),
        ("archiver = on", "barman_wal: [streaming, archiving]"),
        ("backup_method = rsync", "barman_backup_method: rsync"),
        ("reuse_backup = link", "barman_incremental: link"),
        ("post_backup_script = /usr/local/bin/tell", "barman_options: {post_backup_script: /usr/local/bin/tell}"),
        ("conninfo = host=198.51.100.99 user=barman", "barman_postgres_host: 198.51.100.99"),
        ("streaming_conninfo = host=198.51.100.21 user=repl", "barman_streaming_user: repl"),
        ("conninfo = host=198.51.100.21 user=barman sslmode=verify-full", "barman_sslmode: verify-full"),
        ("active = false", "barman_options: {active: false}"),
        ("create_slot = manual", "barman_options: {create_slot: manual}"),
        ("description = The shop", "barman_options: {description: 'The shop'}"),
        ("path_prefix = /opt/pg17/bin", "barman_client_directory: /opt/pg17/bin"),
        ("ssh_command = ssh pg@198.51.100.21", "barman_postgres_os_user: pg keeps it"),
        ("ssh_command = ssh -p 2222 -l postgres db.example", "barman_address: db.example; barman_ssh_port: 2222"),
        (
            "ssh_command = ssh -i /k postgres@198.51.100.21",
            "barman_options: {ssh_command: 'ssh -i /k postgres@198.51.100.21'}",
        ),
        ("ssh_command = ssh 'x", "barman_options: {ssh_command: 'ssh ''x'}"),
    ],
)
def test_a_difference_names_the_variable_that_keeps_it(host: Host, line: str, keeps: str) -> None:
    name = line.split(" =")[0]
    rest = "".join(f"{text}\n" for text in FOREIGN.splitlines() if not text.startswith(f"{name} "))
    host.entry(f"{rest}{line}\n")
    (problem,) = host.problems()
    assert problem.startswith(f"server 'main' ({host.directory}/main.conf), which barman_adopt takes over: {name} is ")
    assert keeps in problem
    assert "geheim" not in problem


@pytest.mark.parametrize(
    ("line", "options", "given"),
    [
        ("retention_policy = RECOVERY WINDOW OF 30 DAYS", {}, ["retention_policy"]),
        ("compression = gzip", {"compression": None}, ["compression"]),
        ("conninfo = host=db user=barman", {}, ["conninfo.host"]),
        ("minimum_redundancy = 0", {}, []),
        ("retention_policy = recovery  window of 14 days", {}, []),
        ("archiver = off", {}, []),
        ("active = on", {}, []),
        ("ssh_command = ssh -o 'ConnectTimeout 3' postgres@198.51.100.21 -q", {}, []),
        ("ssh_command = ssh -p 2222 pg@db", {}, ["ssh_command.host", "ssh_command.port", "ssh_command.user"]),
        ("ssh_command = ssh -p 2222 pg@db", {}, ["ssh_command"]),
        ("ssh_command = ssh -p 2222 pg@db", {"ssh_command": None}, []),
    ],
)
def test_a_value_of_the_inventory_is_intended(host: Host, line: str, options: Any, given: Any) -> None:
    name = line.split(" =")[0]
    rest = "".join(f"{text}\n" for text in FOREIGN.splitlines() if not text.startswith(f"{name} "))
    host.entry(f"{rest}{line}\n")
    assert host.problems(options, given) == []


def test_no_retention_policy_keeps_everything(host: Host) -> None:
    host.entry(FOREIGN.replace("retention_policy = RECOVERY WINDOW OF 14 DAYS\n", ""))
    (problem,) = host.problems()
    assert (
        "retention_policy is not set and would become RECOVERY WINDOW OF 14 DAYS; barman_retention_policy: ''"
        in problem
    )


def test_an_inherited_option_that_stays_in_the_section_is_kept(host: Host) -> None:
    host.write(compression="gzip")
    host.entry(FOREIGN)
    assert host.problems() == []


def test_an_archiver_that_barman_turns_on_by_itself(host: Host) -> None:
    host.entry("[main]\nconninfo = host=198.51.100.21\nbackup_method = rsync\nssh_command = ssh x\n")
    found = " ".join(host.problems(given=["retention_policy"]))
    assert "barman_wal: [archiving]" in found
    assert "barman_backup_method: rsync" in found


def test_an_entry_is_not_taken_over_without_the_word(host: Host) -> None:
    host.entry(FOREIGN.replace("14 DAYS", "30 DAYS"))
    (problem,) = host.problems(adopt=False)
    assert "barman_adopt: true" in problem
    assert "barman_retention_policy: 'RECOVERY WINDOW OF 30 DAYS'" in problem


def test_another_home_and_configuration_directory(host: Host) -> None:
    found = "\n".join(host.problems(barman_home="/var/lib/barman", configuration_files_directory="/etc/barman.d"))
    assert f"set barman_home: {host.home} for this backup server in the inventory" in found
    assert f"set barman_configuration_directory: {host.directory} for this backup server in the inventory" in found


def test_what_one_variable_keeps_is_reported_once(host: Host) -> None:
    host.entry(FOREIGN)
    host.backup("main")
    (problem,) = host.problems(barman_home="/var/lib/barman")
    assert problem.startswith(f"[barman] barman_home is {host.home} and would become /var/lib/barman")


def test_another_home_that_is_meant_may_not_lose_backups(host: Host) -> None:
    host.entry(FOREIGN)
    host.entry("[other]\nconninfo = host=x\n", "other")
    meant: dict[str, Any] = {"global_given": ["barman_home"], "barman_home": f"{host.path}/new"}
    assert host.problems(**meant) == []
    host.backup("main")
    host.backup("other")
    found = host.problems(**meant)
    assert [text.split("'")[1] for text in found if text.startswith("server")] == ["main", "main", "other"]
    assert f"backup_directory is {host.home}/main and would become {host.path}/new/main" in "\n".join(found)


def test_another_configuration_directory_that_is_meant_may_not_lose_entries(host: Host) -> None:
    host.entry(FOREIGN)
    found = host.problems(global_given=["configuration_files_directory"], configuration_files_directory="/elsewhere")
    assert ["would not read the entries of main any more" in text for text in found] == [True]


def test_an_entry_of_ours_is_the_inventorys(host: Host) -> None:
    host.entry(
        render_entry(
            DesiredEntry("main", {**ENTRY, "retention_policy": "REDUNDANCY 9", "compression": "gzip"}, host="pg")
        )
    )
    host.write(log_level="DEBUG")
    assert host.problems(log_level="INFO") == []


def test_a_home_that_is_somebody_elses(host: Host, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    meant: dict[str, Any] = {
        "global_given": ["barman_home", "barman_user"],
        "barman_home": str(other),
        "barman_user": "barman",
    }
    assert host.problems(**meant) == []
    (other / "lost+found").mkdir()
    assert host.problems(**meant) == []
    (other / "data").mkdir()
    (problem,) = host.problems(**meant)
    assert f"barman_home: {other} is not empty" in problem


def test_directories_that_barman_made_and_nothing_else_are_empty(tmp_path: Path) -> None:
    (tmp_path / "main/wals").mkdir(parents=True)
    (tmp_path / "main/wals/xlog.db").write_text("")
    (tmp_path / "main/identity.json").write_text("{}")
    assert not is_filled(str(tmp_path))


def test_lines_of_cron() -> None:
    package = "* * * * * barman [ -x /usr/bin/barman ] && /usr/bin/barman -q cron\n"
    ours = "# BEGIN pgdr.barman\n1 2 * * * barman barman -q backup pg\n# END pgdr.barman\n"
    files = {
        "/etc/cron.d/barman": package,
        "/etc/cron.d/barman-backups": ours,
        "/etc/crontab": "# barman backup all\n0 1 * * * barman barman backup all\n",
        "/var/spool/cron/crontabs/barman": "*/5 * * * * /usr/bin/barman -q cron\n0 3 * * * tar c /var/lib/barman\n",
    }
    found = foreign_schedules(files, "/etc/cron.d/barman", "/etc/cron.d/barman-backups")
    assert [text.split(":")[0] for text in found] == [
        "/etc/crontab also runs barman backup",
        "/var/spool/cron/crontabs/barman also runs barman cron",
    ]


def test_units_of_timers(host: Host, tmp_path: Path) -> None:
    """A unit without a timer runs only if somebody starts it."""
    for name in ("barman-night", "by-hand"):
        (tmp_path / f"{name}.service").write_text("[Service]\nUser=barman\nExecStart=/usr/bin/barman backup all\n")
    (tmp_path / "barman-night.timer").write_text("[Timer]\nOnCalendar=daily\n")
    (tmp_path / "gone.timer").write_text("[Timer]\nOnCalendar=daily\n")
    declared = DeclaredBarman({"barman_home": str(host.home), "configuration_files_directory": str(host.directory)})
    (warning,) = compare(declared, "nobody", str(host.main), (), [f"{tmp_path}/*.timer"])[1]
    assert warning.startswith(
        f"{tmp_path}/barman-night.service also runs barman backup: 'ExecStart=/usr/bin/barman backup all'. Remove"
    )


def test_the_module(host: Host, capsys: Any) -> None:
    host.entry(FOREIGN.replace("14 DAYS", "30 DAYS"))
    section = {"barman_home": str(host.home), "configuration_files_directory": str(host.directory)}
    arguments = {"config_file": str(host.main), "global_options": section, "adopt": True}

    def run(servers: list[dict[str, Any]]) -> dict[str, Any]:
        return run_main(host_state.main, capsys, barman={**arguments, "servers": servers})

    servers = [{"name": "main", "options": ENTRY, "given": []}]
    answer = run(servers)
    assert answer["failed"]
    assert "barman_retention_policy: 'RECOVERY WINDOW OF 30 DAYS'" in answer["msg"]
    servers[0]["given"] = ["retention_policy"]
    assert run(servers)["problems"] == []
