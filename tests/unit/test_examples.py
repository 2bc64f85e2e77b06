# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example is valid: in the modules' documentation, the README, the docs, the playbooks, roles and scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools import examples
from tests.tools.examples import Catalog, Snippet

MODULES = examples.module_names()
OFFERED = Catalog(
    modules={
        "pgdr.barman.backup": {
            "argument_spec": {
                "server": {"type": "str", "required": True},
                "type": {"type": "str", "choices": ["full", "incremental"], "default": "full"},
                "jobs": {"type": "int"},
                "user": {"type": "str", "aliases": ["barman_user"]},
                "queries": {
                    "type": "list",
                    "elements": "dict",
                    "options": {"query": {"type": "str", "required": True}},
                },
            },
            "mutually_exclusive": [["jobs", "user"]],
        },
    },
    roles={"pgdr.barman.pg": {"main": {"pg_install": {"type": "bool"}, "pg_count": {"type": "int", "required": True}}}},
    playbooks={"pgdr.barman.deploy"},
    action_groups={"pgdr.barman.barman": ["pgdr.barman.backup"]},
    variables={"barman_zone", "pg_install", "pg_count"},
)


@pytest.fixture(scope="session")
def offered(docs: dict[str, Any]) -> Catalog:
    return examples.catalog(docs)


@pytest.mark.parametrize("name", MODULES)
def test_module_examples(name: str, docs: dict[str, Any], offered: Catalog) -> None:
    full = f"pgdr.barman.{name}"
    text = docs["module"][full]["examples"]
    assert f"{full}:" in text, "no example uses the module by its full name"
    assert examples.snippet_problems(offered, Snippet(f"EXAMPLES of {full}", text)) == []


@pytest.mark.parametrize("page", examples.markdown_pages(), ids=examples.relative)
def test_markdown(page: Path, offered: Catalog) -> None:
    assert examples.extra_variables(page.read_text()) <= offered.variables
    blocks = examples.markdown_blocks(page, ("yaml", "yml", "yaml+jinja"))
    assert [problem for block in blocks for problem in examples.snippet_problems(offered, block)] == []
    assert examples.playbook_mentions(page.read_text()) <= offered.playbooks


@pytest.mark.parametrize("path", examples.yaml_files(), ids=examples.relative)
def test_yaml_files(path: Path, offered: Catalog) -> None:
    assert examples.snippet_problems(offered, Snippet(examples.relative(path), path.read_text())) == []


@pytest.mark.parametrize(
    "text",
    [
        "- pgdr.barman.backup: {server: a, type: incremental, queries: [{query: q}]}",
        "- pgdr.barman.backup: {server: '{{ a }}', type: '{{ b }}', jobs: '{{ c }}', queries: '{{ d }}'}",
        "- pgdr.barman.backup: {server: a, queries: ['{{ d }}', {query: '{{ e }}'}]}",
        "- pgdr.barman.backup: {server: a, barman_user: b}",
        "- community.other.other: {whatever: 1}",
        "- hosts: all\n  roles: [{role: pgdr.barman.pg, vars: {pg_install: true, barman_zone: eu}}]",
        "- ansible.builtin.include_role: {name: pgdr.barman.pg}\n  vars: {pg_count: 1}",
        "- ansible.builtin.include_role: {name: pgdr.barman.pg, tasks_from: '{{ x }}'}\n  vars: {pg_count: 1}",
        "- import_playbook: pgdr.barman.deploy",
        "- hosts: all\n  module_defaults: {group/pgdr.barman.barman: {user: barman}}",
        "password: !vault abc",
        "all: {children: {pg: {hosts: {a: {barman_zone: eu, ansible_host: b}}, vars: {pg_install: true}}}}",
        "- community.other.other: {barman_other: 1}",
    ],
)
def test_valid_examples_pass(text: str) -> None:
    assert examples.snippet_problems(OFFERED, Snippet("here", text)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- pgdr.barman.backup: {server: a, tpye: full}", "tpye"),
        ("- pgdr.barman.backup: {server: a, tpye: '{{ b }}'}", "tpye"),
        ("- pgdr.barman.backup: {server: a, type: fulll}", "fulll"),
        ("- pgdr.barman.backup: {server: a, jobs: many}", "jobs"),
        ("- pgdr.barman.backup: {server: a, jobs: 1, user: b}", "mutually exclusive"),
        ("- pgdr.barman.backup: {type: full}", "server"),
        ("- pgdr.barman.backup:", "server"),
        ("- pgdr.barman.backup: a", "dictionary"),
        ("- pgdr.barman.backup: {server: a, queries: [{quary: q}]}", "quary"),
        ("- pgdr.barman.backup: {server: a, queries: ['{{ d }}', {query: '{{ e }}', quary: 1}]}", "quary"),
        ("- pgdr.barman.bakcup: {server: a}", "no module pgdr.barman.bakcup"),
        ("- block:\n    - block:\n        - pgdr.barman.backup: {server: a, x: 1}", "x"),
        ("- hosts: all\n  roles: [pgdr.barman.gp]", "no role pgdr.barman.gp"),
        ("- hosts: all\n  roles: [{role: pgdr.barman.gp}]", "no role pgdr.barman.gp"),
        ("- hosts: all\n  roles: [{role: pgdr.barman.pg, vars: {pg_instal: true}}]", "pg_instal"),
        ("- hosts: all\n  roles: [{role: pgdr.barman.pg, pg_instal: true}]", "pg_instal"),
        ("- ansible.builtin.include_role: {name: pgdr.barman.pg}\n  vars: {pg_count: many}", "pg_count"),
        ("- ansible.builtin.include_role: {name: pgdr.barman.pg, tasks_from: other}", "entry point other"),
        (
            "- ansible.builtin.include_role: {name: pgdr.barman.pg, tasks_from: '{{ x }}'}\n  vars: {pg_coun: 1}",
            "pg_coun",
        ),
        ("- import_playbook: pgdr.barman.deplyo", "no playbook pgdr.barman.deplyo"),
        ("- hosts: all\n  module_defaults: {group/pgdr.barman.barman: {usr: barman}}", "usr"),
        ("- hosts: all\n  module_defaults: {group/pgdr.barman.bramna: {user: barman}}", "no action group"),
        ("all: {children: {pg: {hosts: {a: {barman_zoen: eu}}}}}", "barman_zoen"),
        ("all: {children: {pg: {vars: {pg_instal: true}}}}", "pg_instal"),
        ("a: [", "not YAML"),
    ],
)
def test_mistakes_are_found(text: str, message: str) -> None:
    found = examples.snippet_problems(OFFERED, Snippet("here", text))
    assert any(message in problem for problem in found)


@pytest.mark.parametrize("name", MODULES)
def test_a_misspelt_option_of_a_real_module_is_found(name: str, docs: dict[str, Any], offered: Catalog) -> None:
    full = f"pgdr.barman.{name}"
    tasks = yaml.load(docs["module"][full]["examples"], examples.Loader)
    task = next(task for task in tasks if full in task)
    task[full] = {**(task[full] or {}), "misspelt": True}
    assert any("misspelt" in problem for problem in examples.problems(offered, tasks))


def test_blocks_of_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "REPOSITORY", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```yaml\na: 1\n```\n\n```bash\nls\n```\n\n- item\n\n  ```yaml\n  b:\n    c: 2\n  ```\n")
    blocks = list(examples.markdown_blocks(page, ("yaml",)))
    assert blocks == [Snippet("page.md:3", "a: 1\n"), Snippet("page.md:13", "b:\n  c: 2\n")]


def test_playbooks_named_on_a_command_line() -> None:
    text = "Run `ansible-playbook pgdr.barman.deploy -i x`, or\nansible-playbook -i y \\\n  pgdr.barman.other\npgdr.barman.role"
    assert examples.playbook_mentions(text) == {"pgdr.barman.deploy", "pgdr.barman.other"}


def test_variables_given_on_a_command_line() -> None:
    text = "-e barman_a=1 --extra-vars \"barman_b='2 3'\" -e other=1 --extra-vars=barman_c=4"
    assert examples.extra_variables(text) == {"barman_a", "barman_b", "barman_c"}
