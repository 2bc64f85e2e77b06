# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook deploy, the first time and when nothing is to be done, against a play that only gathers facts."""

from __future__ import annotations

from tests.bench.machines import BACKUP, FACTS, PG, Failed, Machines
from tests.bench.report import Comparison, Count, Row
from tests.bench.turns import in_turns, log

FIRST = "first deploy"
NOTHING = "deploy that changes nothing"
ONLY_FACTS = "facts only"
ONLY_FACTS_FIRST = "facts only, on the new machines"
PLAYBOOK = "pgdr.barman.deploy"
MOST_RATIO = 4.0
MOST_MODULES = {PG: 12, BACKUP: 15}
MOST_FIRST_ROUNDS = 2


def run(machines: Machines, rounds: int) -> list[Comparison]:
    facts = machines.play("facts", FACTS)

    def gather() -> float:
        return machines.ansible(facts).seconds

    def first() -> float:
        played = machines.ansible(PLAYBOOK)
        if not all(played.changed.get(host) for host in (PG, BACKUP)):
            raise Failed(f"a first deploy changed nothing on some host: {played.changed}")
        return played.seconds

    def nothing() -> float:
        played = machines.ansible(PLAYBOOK)
        if any(played.changed.values()):
            raise Failed(f"a deploy that should have changed nothing did:\n{played.output}")
        return played.seconds

    firsts: dict[str, tuple[float, ...]] = {FIRST: (), ONLY_FACTS_FIRST: ()}
    for number in range(min(rounds, MOST_FIRST_ROUNDS)):
        log(f"new machines, {number + 1} of {min(rounds, MOST_FIRST_ROUNDS)}")
        machines.fresh()
        gather()
        for name, values in in_turns(1, {ONLY_FACTS_FIRST: gather, FIRST: first}).items():
            firsts[name] += values
    machines.deployed()
    seconds = in_turns(rounds, {NOTHING: nothing, ONLY_FACTS: gather})
    counts = tuple(
        Count(f"modules run on {host} when nothing changes", count_modules(machines, host), most)
        for host, most in MOST_MODULES.items()
    )
    return [
        Comparison(
            "deploy-first",
            "First deploy",
            (
                Row(FIRST, firsts[FIRST], against=ONLY_FACTS_FIRST),
                Row(ONLY_FACTS_FIRST, firsts[ONLY_FACTS_FIRST]),
            ),
            notes=("Two new machines. Most of the time is apt, which installs PostgreSQL and Barman.",),
        ),
        Comparison(
            "deploy",
            "Deploy that changes nothing",
            (Row(NOTHING, seconds[NOTHING], against=ONLY_FACTS, most=MOST_RATIO), Row(ONLY_FACTS, seconds[ONLY_FACTS])),
            counts,
        ),
    ]


def count_modules(machines: Machines, host: str) -> int:
    """How many modules Ansible runs on that host, the ones that its action plugins run included."""
    return machines.ansible(PLAYBOOK, f"--limit={host}", "-vvv").output.count("Using module file ")
