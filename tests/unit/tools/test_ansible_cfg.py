# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every ansible.cfg of the project has settings that Ansible reads in the section where they stand."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from ansible import constants

from tests.conftest import REPOSITORY

FILES = sorted(
    path for path in REPOSITORY.glob("*/**/ansible.cfg") if not path.parts[len(REPOSITORY.parts)].startswith(".")
)


def settings() -> set[tuple[str, str]]:
    """Section and key of each setting of Ansible's own."""
    definitions = constants.config.get_configuration_definitions(ignore_private=False)
    found = {(ini["section"], ini["key"]) for item in definitions.values() for ini in item.get("ini", [])}
    # Of the connection plugin ssh.
    return found | {("ssh_connection", key) for key in ("ssh_args", "pipelining", "retries")}


def test_there_are_files() -> None:
    assert [path.parent.name for path in FILES] == ["bench", "quickstart"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_each_setting_stands_where_ansible_reads_it(path: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read(path)
    written = {(section, key) for section in parser.sections() for key in parser[section]}
    assert written - settings() == set()
    assert ("inventory", "any_unparsed_is_failed") in written
