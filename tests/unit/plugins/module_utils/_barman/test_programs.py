# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.programs import missing_program
from ansible_collections.pgdr.barman.plugins.module_utils._barman.versions import Version
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError


def without(command: Command) -> Completed:
    raise HostError(f"'{command.argv[0]}' was not found on this host: install it")


@pytest.mark.parametrize("version", [(3, 4, 0), (3, 13, 3)])
def test_an_older_barman_runs_no_other_program(version: Version) -> None:
    assert missing_program(Barman(without), version) == ""


def test_a_newer_one_needs_it() -> None:
    assert missing_program(Barman(without), (3, 14, 0)) == (
        "Barman 3.14 runs the program file to find out whether WAL is encrypted, and this host does not have it: install the package file"
    )
    assert missing_program(Barman(lambda command: Completed(command.argv, 0)), (3, 19, 1)) == ""
