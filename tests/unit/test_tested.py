# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/tested.md names every scenario, every ansible-core and every image of the lab, and none that does not exist."""

from __future__ import annotations

import re

import yaml

from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "tested.md").read_text(encoding="utf-8")
SCENARIOS = {path.parent.name: path.parent for path in (REPOSITORY / "extensions" / "molecule").glob("*/molecule.yml")}
IMAGES = {"debian12": "Debian 12", "debian13": "Debian 13", "sid": "Debian sid"}


def named(text: str) -> set[str]:
    """The scenarios that a piece of the page names."""
    lists = re.findall(r"scenarios? ((?:`\w+`(?:, )?)+)", text)
    return {name for one in lists for name in re.findall(r"`(\w+)`", one)}


def test_every_scenario_is_named_and_exists() -> None:
    assert named(PAGE) == set(SCENARIOS)


def test_the_scenarios_of_an_operating_system_have_machines_of_it() -> None:
    images = {
        name: {machine["image"] for machine in yaml.safe_load((path / "lab.yml").read_text())["machines"]}
        for name, path in SCENARIOS.items()
    }
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    for image, words in IMAGES.items():
        (row,) = (line for line in rows if f"| {words} |" in line)
        using = {name for name, used in images.items() if image in used}
        expected = set(SCENARIOS) - {"versions"} if "all scenarios but `versions`" in row else named(row)
        assert using == expected, words


def test_every_ansible_core_is_named() -> None:
    releases = re.findall(
        r"^ansible-core==(\d+\.\d+)", (REPOSITORY / "requirements" / "cores.txt").read_text(), flags=re.MULTILINE
    )
    assert releases
    assert [release for release in releases if release not in PAGE] == []
