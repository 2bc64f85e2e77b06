# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/inventory.md says what the code reads, and its examples are right."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import VARIABLES

ROW = re.compile(r"^\| `(barman_\w+)` \| (.*) \| (.*) \| (.*) \|$")
HEADINGS = {"both": "### Of every host", "pg": "### Of a PostgreSQL server", "backup": "### Of a backup server"}
PASSWORDS = {"barman_postgres_password": "secret", "barman_streaming_password": "other secret"}


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "inventory.md").read_text()


def rows(page, group):
    section = page.split(HEADINGS[group], 1)[1].split("\n#", 1)[0]
    return [match.groups() for match in map(ROW.match, section.splitlines()) if match]


@pytest.mark.parametrize("group", sorted(HEADINGS))
def test_the_tables_are_what_the_code_reads(page, group):
    known = [(v.name, v.kind.words, v.default_in_words, v.meaning) for v in VARIABLES if v.group == group]
    assert [tuple(cell.strip() for cell in row) for row in rows(page, group)] == known


def test_no_variable_is_documented_twice_or_elsewhere(page):
    documented = [match.group(1) for match in map(ROW.match, page.splitlines()) if match]
    assert sorted(documented) == sorted(variable.name for variable in VARIABLES)


def test_every_variable_named_in_the_text_exists(page):
    named = set(re.findall(r"\bbarman_[a-z_]+[a-z]\b", page))
    known = {variable.name for variable in VARIABLES}
    assert named - known <= {"vault_barman_postgres_password", "vault_barman_streaming_password"}


def flatten(inventory):
    """The hosts of each group with their variables, for the plain inventories of the page."""
    return {
        name: {
            host: {**group.get("vars", {}), **(variables or {})} for host, variables in group.get("hosts", {}).items()
        }
        for name, group in inventory["all"]["children"].items()
    }


def test_every_example_is_right(page):
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(examples) >= 10
    for example in examples:
        groups = flatten(yaml.safe_load(example))
        with_passwords = {host: {**PASSWORDS, **variables} for host, variables in groups["pg"].items()}
        outcome = build(with_passwords, groups["backup"])
        assert [str(problem) for problem in outcome.problems] == [], example
        assert outcome.warnings == [], example


def members(group, inherited):
    """The hosts of a group and of its children, with the variables that are theirs."""
    variables = {**inherited, **group.get("vars", {})}
    found = {host: {**variables, **(own or {})} for host, own in (group.get("hosts") or {}).items()}
    for child in (group.get("children") or {}).values():
        found |= members(child or {}, variables)
    return found


@pytest.mark.parametrize("name", ["README.md", "docs/first-servers.md", "docs/retention.md", "docs/architectures"])
def test_every_inventory_elsewhere_is_right(repository, name):
    path = repository / name
    pages = sorted(path.glob("*.md")) if path.is_dir() else [path]
    pages_read = 0
    for each in pages:
        for example in re.findall(r"```yaml\n(.*?)```", each.read_text(), re.DOTALL):
            inventory = yaml.safe_load(example.replace("{{ inventory_dir }}", "/srv/inventory"))
            children = inventory.get("all", {}).get("children", {}) if isinstance(inventory, dict) else {}
            # Some blocks are the part of an inventory that the page is about.
            if not {"pg", "backup"} <= set(children):
                continue
            pages_read += 1
            everybody = inventory["all"].get("vars", {})
            groups = {group: members(children[group], everybody) for group in ("pg", "backup")}
            outcome = build(groups["pg"], groups["backup"])
            assert [str(problem) for problem in outcome.problems] == [], f"{each.name}:\n{example}"
    assert pages_read >= len(pages) - 3


def test_the_shown_messages_are_the_real_ones(page):
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    common = {**PASSWORDS, "barman_backup_server": "backup-eu", "barman_postgres_version": 17}
    outcome = build(
        {
            "orders": {**common, "ansible_host": "198.51.100.21", "barman_options": {"compresion": "gzip"}},
            "billing": {
                **common,
                "ansible_host": "198.51.100.22",
                "barman_backup_server": "backup-ue",
                "barman_postgres_version": 15,
                "barman_incremental": "block",
            },
        },
        {"backup-eu": {"ansible_host": "198.51.100.11"}},
    )
    assert [f"- {problem}" for problem in outcome.problems] == shown.splitlines()[1:]
