# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovering from a server whose entry is switched off."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed
from ansible_collections.pgdr.barman.plugins.module_utils._recover.activation import activated

ME = pwd.getpwuid(os.geteuid()).pw_name


def nothing(command: Command) -> Completed:
    raise AssertionError(command)


@pytest.fixture
def barman(tmp_path: Path) -> Barman:
    (tmp_path / "barman.d").mkdir()
    main = tmp_path / "barman.conf"
    main.write_text(
        f"[barman]\nbarman_home = {tmp_path}/home\nconfiguration_files_directory = {tmp_path}/barman.d\ncompression = gzip\n"
        "[in-main]\nactive = off\nconninfo = host=c\n"
    )
    (tmp_path / "barman.d" / "off.conf").write_text(
        "# ours\n\n[off]\nactive = off\nconninfo = host=a password=50%%%%\n"
    )
    (tmp_path / "barman.d" / "on.conf").write_text("[on]\nconninfo = host=b\n")
    return Barman(nothing, ME, str(main))


def files(path: Path) -> dict[str, str]:
    return {str(found): found.read_text() for found in path.rglob("*.conf")}


@pytest.mark.parametrize("name", ["off", "in-main"])
def test_what_is_switched_off_is_active_for_a_while(barman: Barman, tmp_path: Path, name: str) -> None:
    before = files(tmp_path)
    asleep = read(barman.config_file).servers
    with activated(barman, read(barman.config_file), name) as (other, configuration):
        assert other.config_file is not None
        place = Path(other.config_file).parent
        found = configuration.servers
        assert found[name].flag("active")
        assert found[name].get("conninfo") == asleep[name].get("conninfo")
        assert found[name].get("compression") == "gzip"
        for option in ("backup_directory", "wals_directory", "streaming_wals_directory"):
            assert found[name].directory(option) == asleep[name].directory(option)
        assert [
            other_name for other_name, server in found.items() if not server.flag("active", default=True)
        ] == sorted({"off", "in-main"} - {name})
        assert {stat.S_IMODE(path.stat().st_mode) for path in place.rglob("*.conf")} == {0o600}
    assert not place.exists()
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["on", "unknown"])
def test_otherwise_nothing_is_copied(barman: Barman, name: str) -> None:
    given = read(barman.config_file)
    with activated(barman, given, name) as (other, configuration):
        assert other is barman
        assert configuration is given


def test_it_is_removed_after_a_failure(barman: Barman) -> None:
    places = []

    def fail() -> None:
        with activated(barman, read(barman.config_file), "off") as (_other, configuration):
            places.append(Path(configuration.main_file).parent)
            assert places[0].exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not places[0].exists()
