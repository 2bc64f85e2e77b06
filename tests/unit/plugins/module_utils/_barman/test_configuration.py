# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman import configuration
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import Configuration, ConfigurationError


def host(tmp_path: Path, main: str = "", **servers: str) -> str:
    directory = tmp_path / "barman.d"
    directory.mkdir()
    for name, text in servers.items():
        (directory / f"{name}.conf").write_text(text)
    path = tmp_path / "barman.conf"
    head = f"[barman]\nbarman_home = {tmp_path}/home\nconfiguration_files_directory = {directory}\n"
    path.write_text(head + main)
    return str(path)


def read(tmp_path: Path, main: str = "", **servers: str) -> Configuration:
    return configuration.read(host(tmp_path, main, **servers))


def test_server_with_defaults(tmp_path: Path) -> None:
    pg = read(tmp_path, pg="[pg]\nconninfo = host=a\n").server("pg")
    home = f"{tmp_path}/home"
    assert pg.file == f"{tmp_path}/barman.d/pg.conf"
    assert pg.conninfo == pg.streaming_conninfo == pg.wal_conninfo == pg.wal_streaming_conninfo == "host=a"
    assert pg.directory("backup_directory") == f"{home}/pg"
    assert pg.directory("wals_directory") == f"{home}/pg/wals"
    assert pg.directory("streaming_wals_directory") == f"{home}/pg/streaming"
    assert not pg.passive


def test_connections_of_their_own(tmp_path: Path) -> None:
    text = "[pg]\nconninfo = host=a\nstreaming_conninfo = host=b\nwal_streaming_conninfo = host=c\n"
    pg = read(tmp_path, pg=text).server("pg")
    assert (pg.conninfo, pg.streaming_conninfo) == ("host=a", "host=b")
    assert (pg.wal_streaming_conninfo, pg.wal_conninfo) == ("host=c", "host=c")


def test_directories_follow_each_other(tmp_path: Path) -> None:
    text = "[pg]\nbackup_directory = /srv/%(name)s\nwals_directory = %(backup_directory)s/w\n"
    pg = read(tmp_path, pg=text).server("pg")
    assert pg.directory("wals_directory") == "/srv/pg/w"
    assert pg.directory("basebackups_directory") == "/srv/pg/base"


def test_global_options_are_inherited(tmp_path: Path) -> None:
    found = read(tmp_path, "compression = gzip\nreuse_backup = link\n", pg="[pg]\ncompression = bzip2\n")
    pg = found.server("pg")
    assert (pg.get("compression"), pg.get("reuse_backup")) == ("bzip2", "link")
    assert found.global_options["compression"] == "gzip"


def test_what_barman_does_not_hand_down_is_not_inherited(tmp_path: Path) -> None:
    assert read(tmp_path, "conninfo = host=all\n", pg="[pg]\n").server("pg").get("conninfo") is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [("on", True), ("TRUE", True), ("1", True), ("off", False), ("no", False), ("", True), ("None", True)],
)
def test_flags(tmp_path: Path, written: str, meant: bool) -> None:
    assert read(tmp_path, pg=f"[pg]\nactive = {written}\n").server("pg").flag("active", default=True) is meant


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("written", ["y", "n", "enabled", "2"])
def test_what_barman_takes_for_no_boolean_is_the_default(tmp_path: Path, written: str, default: bool) -> None:
    """barman/config.py, parse_boolean: Barman warns and goes on with the default."""
    assert read(tmp_path, pg=f"[pg]\nactive = {written}\n").server("pg").flag("active", default=default) is default


def test_quotes_around_a_value_are_not_part_of_it(tmp_path: Path) -> None:
    text = "[pg]\ndescription = \"Orders, Europe\"\nconninfo = host=a password='x y'\n"
    pg = read(tmp_path, pg=text).server("pg")
    assert pg.get("description") == "Orders, Europe"
    assert pg.conninfo == "host=a password='x y'"


@pytest.mark.parametrize(("written", "meant"), [("a%%b", "a%b"), ("a%%%%b", "a%b"), ("a%%%%%%%%b", "a%%b")])
def test_percent_as_barman_before_and_after_3_10_needs_it(tmp_path: Path, written: str, meant: str) -> None:
    assert read(tmp_path, pg=f"[pg]\nconninfo = password={written}\n").server("pg").conninfo == f"password={meant}"


def test_models_are_no_servers(tmp_path: Path) -> None:
    found = read(tmp_path, pg="[pg]\ncluster = c\n[m]\nmodel = true\ncluster = c\nconninfo = host=b\n")
    assert (list(found.servers), found.models) == (["pg"], ["m"])


def test_the_active_model_counts(tmp_path: Path) -> None:
    text = "[pg]\ncluster = c\nconninfo = host=a\n[m]\nmodel = true\ncluster = c\nconninfo = host=b\n"
    path = host(tmp_path, pg=text)
    (tmp_path / "home" / "pg").mkdir(parents=True)
    (tmp_path / "home" / "pg" / ".active-model.auto").write_text("m\n")
    assert configuration.read(path).server("pg").conninfo == "host=b"


def test_barmans_own_changes_win(tmp_path: Path) -> None:
    path = host(tmp_path, pg="[pg]\nconninfo = host=a\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".barman.auto.conf").write_text("[pg]\nconninfo = host=b\n")
    assert configuration.read(path).server("pg").conninfo == "host=b"


def test_servers_in_the_main_file(tmp_path: Path) -> None:
    pg = read(tmp_path, "[pg]\nconninfo = host=a\n").server("pg")
    assert (pg.conninfo, pg.file) == ("host=a", f"{tmp_path}/barman.conf")


def test_other_files_are_not_read(tmp_path: Path) -> None:
    path = host(tmp_path)
    (tmp_path / "barman.d" / "x.conf~").write_text("[x]\n")
    (tmp_path / "barman.d" / ".y.conf").write_text("[y]\n")
    assert configuration.read(path).servers == {}


def test_passive(tmp_path: Path) -> None:
    assert read(tmp_path, pg="[pg]\nprimary_ssh_command = ssh barman@other\n").server("pg").passive


def test_an_unknown_server_names_those_there_are(tmp_path: Path) -> None:
    found = read(tmp_path, a="[a]\n", b="[b]\n")
    with pytest.raises(ConfigurationError, match="no server 'c' on this host; it has: a, b"):
        found.server("c")


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="it has: none"):
        read(tmp_path).server("c")


def test_no_file() -> None:
    with pytest.raises(ConfigurationError, match="/no/such does not exist on this host; is Barman installed"):
        configuration.read("/no/such")


def test_no_section(tmp_path: Path) -> None:
    path = tmp_path / "barman.conf"
    path.write_text("[pg]\n")
    with pytest.raises(ConfigurationError, match=r"has no \[barman\] section"):
        configuration.read(str(path))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"barman\.d/pg\.conf can't be read: .*no section headers"):
        read(tmp_path, pg="conninfo = host=a\n")


def test_a_password_is_not_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"option 'conninfo' of \[pg\] can't be read") as caught:
        read(tmp_path, pg="[pg]\nconninfo = password=secret%x\n")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "conninfo", ["host=a password=secret", "host=a password = 'a secret'", "postgresql://u:secret@a/d"]
)
def test_a_password_is_not_in_the_error_of_a_broken_file(tmp_path: Path, conninfo: str) -> None:
    with pytest.raises(ConfigurationError, match=r"barman\.d/pg\.conf can't be read: .*line") as caught:
        read(tmp_path, pg=f"conninfo = {conninfo}\n")
    assert "secret" not in str(caught.value)


def test_barmans_user_may_have_a_file_of_its_own() -> None:
    assert configuration.candidates("nobody")[1:] == ("/etc/barman.conf", "/etc/barman/barman.conf")
    assert configuration.candidates("nobody")[0].endswith("/.barman.conf")
