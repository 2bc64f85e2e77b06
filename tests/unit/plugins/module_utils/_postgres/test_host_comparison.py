# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server requires of its host, compared with a host before anything is stopped there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_comparison import (
    ComparedServer,
    Comparison,
    Host,
    compare,
    has_locale,
    library_directory,
    library_finder,
    not_restored,
    restored_from,
    would_start,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.host_requirements import HostRequirements
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.start_settings import StartSettings

ETC = "/etc/postgresql/17/main/postgresql.conf"
SERVER = HostRequirements(system_identifier="7", databases={"postgres": ["C", "C"], "shop": ["de_DE.UTF-8", "C"]})
KNOWN = ComparedServer(SERVER, "server", files={}, managers=())


def host(*libraries: str, locales: tuple[str, ...] = ("C", "de_DE.UTF-8"), **configured: str) -> Host:
    """A Debian host with these libraries, locales and settings."""
    return Host(
        has_locale=lambda name: name in locales,
        has_library=lambda name, local: ("plugins/" if local else "") + name in libraries,
        configured=StartSettings(ETC, configured),
    )


def problems(restored: ComparedServer, there: Host) -> list[str]:
    return compare(restored, there).problems


def test_a_host_that_has_everything() -> None:
    assert compare(KNOWN, host("trace", shared_preload_libraries="trace")) == Comparison()


def test_a_locale_that_the_host_does_not_have_is_reported_with_its_databases_and_the_remedy() -> None:
    server = replace(SERVER, databases={**SERVER.databases, "bills": ["de_DE.UTF-8", "fr_FR.UTF-8"]})
    assert problems(replace(KNOWN, requirements=server), host(locales=("C",))) == [
        "this host does not have the locale de_DE.UTF-8, which these need: database 'shop' (as PostgreSQL reported), "
        "database 'bills' (as PostgreSQL "
        "reported). Create it there (on Debian and Ubuntu a line in /etc/locale.gen and locale-gen, on Red Hat's "
        "family the package glibc-langpack-de)",
        "this host does not have the locale fr_FR.UTF-8, which these need: database 'bills' (as PostgreSQL "
        "reported). Create it there (on Debian and "
        "Ubuntu a line in /etc/locale.gen and locale-gen, on Red Hat's family the package glibc-langpack-fr)",
    ]


def test_what_was_recorded_has_its_time() -> None:
    recorded = replace(KNOWN, origin="record", time="2026-11-27T03:00:00+00:00")
    assert "database 'shop' (as recorded at 2026-11-27T03:00:00+00:00)" in problems(recorded, host(locales=("C",)))[0]


def test_a_locale_of_a_setting_that_is_restored() -> None:
    restored = replace(KNOWN, files={"postgresql.conf": {}, "postgresql.auto.conf": {"lc_messages": "pl_PL.UTF-8"}})
    assert (
        "pl_PL.UTF-8, which these need: lc_messages in the configuration in the backup" in problems(restored, host())[0]
    )


@pytest.mark.parametrize("name", ["shared_preload_libraries", "session_preload_libraries"])
def test_a_library_that_the_hosts_own_configuration_preloads(name: str) -> None:
    there = replace(host("trace"), configured=StartSettings(ETC, {name: 'trace, "wondrous"'}))
    assert problems(KNOWN, there) == [
        f"this host does not have the library wondrous: {name} in {ETC}. Install the package of its extension there, "
        "for this version of PostgreSQL"
    ]


def test_libraries_of_local_preload_libraries_are_in_their_own_directory() -> None:
    assert problems(KNOWN, host("plugins/trace", local_preload_libraries="trace")) == []
    assert "the library trace" in problems(KNOWN, host("trace", local_preload_libraries="trace"))[0]


def test_a_library_of_a_setting_of_a_database_or_role() -> None:
    server = replace(SERVER, own_settings={"database shop": {"session_preload_libraries": "auto_explain"}})
    [problem] = problems(replace(KNOWN, requirements=server), host())
    assert "auto_explain: session_preload_libraries of database shop (as PostgreSQL reported)" in problem


def test_the_backups_automatic_file_replaces_the_hosts_configuration() -> None:
    restored = replace(KNOWN, files={"postgresql.auto.conf": {"shared_preload_libraries": "wondrous"}})
    [problem] = problems(restored, host("trace", shared_preload_libraries="trace"))
    assert "the library wondrous: shared_preload_libraries in the configuration in the backup" in problem


def test_a_configuration_beside_the_data_directory_replaces_the_one_in_the_backup() -> None:
    restored = replace(KNOWN, files={"postgresql.conf": {"shared_preload_libraries": "wondrous"}})
    assert problems(restored, host()) == []
    # As on Red Hat, where there is no other.
    assert "wondrous" in problems(restored, replace(host(), configured=StartSettings()))[0]


def test_the_servers_settings_are_taken_if_the_backups_files_cannot_be_read() -> None:
    server = replace(
        SERVER,
        settings={"shared_preload_libraries": "wondrous", "session_preload_libraries": "trace"},
        restored=["shared_preload_libraries"],
    )
    found = problems(replace(KNOWN, requirements=server, files=None), host())
    assert len(found) == 1
    assert "wondrous" in found[0]


def test_a_tablespace_that_the_wal_creates_needs_its_directory(tmp_path: Path) -> None:
    restored = restored_from({"origin": "server", "created_tablespaces": [str(tmp_path), f"{tmp_path}/late"]})
    (problem,) = [text for text in compare(restored, host()).problems if "creates a tablespace" in text]
    assert problem.startswith(
        f"the WAL up to the target creates a tablespace in {tmp_path}/late. This host has no such directory"
    )


def test_records_of_a_resource_manager_need_a_library() -> None:
    server = replace(SERVER, settings={"shared_preload_libraries": "wondrous"}, managers={"129": "wonders"})
    restored = replace(KNOWN, requirements=server, managers=(129, 200))
    assert problems(restored, host()) == [
        "the WAL contains records of the custom resource managers 129 (wonders), 200. Only a library of "
        "shared_preload_libraries can replay them, and on this "
        "host it is empty. The server has: wondrous (as PostgreSQL reported). Install the extension's package there "
        "and set shared_preload_libraries"
    ]
    assert f"it is trace in {ETC}" in problems(restored, host("trace", shared_preload_libraries="trace"))[0]
    assert problems(restored, host("wondrous", shared_preload_libraries="wondrous")) == []


def test_without_knowledge_of_the_server_any_library_may_be_the_one() -> None:
    restored = ComparedServer(files={}, managers=(129,))
    assert "129. Only" in problems(restored, host())[0]
    assert problems(restored, host("trace", shared_preload_libraries="trace")) == []


def test_a_library_that_only_the_old_server_preloads_is_a_warning() -> None:
    server = replace(SERVER, settings={"shared_preload_libraries": "pg_stat_statements,trace"})
    found = compare(replace(KNOWN, requirements=server), host("trace", shared_preload_libraries="trace"))
    assert found.problems == []
    [warning] = found.warnings
    assert "will not contain pg_stat_statements, which the server has" in warning


def test_everything_is_reported_at_once() -> None:
    found = problems(replace(KNOWN, managers=(129,)), host(locales=("C",), session_preload_libraries="wondrous"))
    assert len(found) == 3


def test_what_could_not_be_compared_is_reported() -> None:
    restored = ComparedServer(reason="the server is down, and there is no record of it yet")
    found = compare(restored, replace(host(), has_library=None))
    assert found.problems == []
    assert found.not_compared == [
        "locales of the databases: the server is down, and there is no record of it yet",
        "settings in the backup: its configuration files are compressed, encrypted or not on the backup server",
        "resource managers of extensions: the WAL was not read",
        "libraries: the directory of PostgreSQL's libraries was not found",
    ]


def test_what_a_copy_would_start() -> None:
    server = replace(SERVER, subscriptions=["shop/orders"], cron_database="postgres")
    assert would_start(replace(KNOWN, requirements=server)) == [
        "subscriptions shop/orders (as PostgreSQL reported)",
        "pg_cron in database 'postgres' (as PostgreSQL reported)",
    ]
    assert would_start(KNOWN) == []
    [unknown] = would_start(ComparedServer(reason="the server is down"))
    assert unknown.startswith("not known (the server is down)")


@pytest.mark.parametrize("value", [{}, {"server": {"databases": 3}, "files": [], "resource_managers": "none"}])
def test_an_answer_of_another_version_is_nothing_known(value: dict[str, Any]) -> None:
    assert restored_from(value).requirements is None


def test_locales_are_those_of_the_c_library() -> None:
    assert has_locale("C")
    assert has_locale("POSIX")
    assert has_locale("C.UTF-8")
    assert not has_locale("xx_XX.UTF-8")


def _run(command: Command) -> Completed:
    return Completed(command.argv, 0, "/nowhere\n")


def test_libraries_are_found_beside_the_programs_and_where_postgresql_searches(tmp_path: Path) -> None:
    programs, libraries, more = tmp_path / "bin", tmp_path / "lib", tmp_path / "more"
    for directory in (programs, libraries / "plugins", more):
        directory.mkdir(parents=True)
    assert library_directory(str(programs), _run) is None
    assert library_finder(None, "") is None
    for path in (libraries / "plpgsql.so", libraries / "plugins" / "trace.so", more / "other.so"):
        path.write_bytes(b"")
    assert library_directory(str(programs), _run) == str(libraries)
    has = library_finder(str(libraries), f"$libdir:{more}")
    assert has is not None
    assert has("plpgsql", local=False)
    assert has("other", local=False)
    assert has("$libdir/plpgsql.so", local=False)
    assert has("trace", local=True)
    assert not has("trace", local=False)
    assert not has("plpgsql", local=True)
    assert not has(str(more / "nothing"), local=False)


def test_a_configuration_in_the_data_directory_is_replaced(tmp_path: Path) -> None:
    settings = StartSettings(str(tmp_path / "postgresql.conf"), {"lc_time": "C"})
    assert not_restored(settings, str(tmp_path)) == StartSettings()
    assert not_restored(settings, str(tmp_path / "data")) == settings
    assert not_restored(StartSettings(), str(tmp_path)) == StartSettings()
