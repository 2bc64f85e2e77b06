# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of an inventory with problems."""

from __future__ import annotations

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Problem
from ansible_collections.pgdr.barman.plugins.plugin_utils.inventory import problems_message


def test_the_same_problem_of_many_hosts_is_one_line() -> None:
    """A misspelt variable of the command line is a variable of every host."""
    same = [
        Problem(f"pg-{number}", "barman_zon", "is no variable", "did you mean barman_zone?") for number in range(100)
    ]
    other = Problem("pg-7", "barman_home", "is relative", "write an absolute path")
    assert problems_message([*same, other], {}).splitlines() == [
        "The inventory has 2 problems; nothing was changed.",
        "- pg-0 and 99 other hosts: barman_zon: is no variable; did you mean barman_zone?",
        "- pg-7: barman_home: is relative; write an absolute path.",
    ]


def test_a_problem_of_few_hosts_names_each() -> None:
    same = [Problem(f"pg-{number}", "barman_zon", "is no variable", "did you mean barman_zone?") for number in range(3)]
    assert len(problems_message(same, {}).splitlines()) == 4
