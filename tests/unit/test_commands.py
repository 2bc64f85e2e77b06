# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines of the pages: Ansible accepts their options, and the playbook or the module accepts their arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.playbook import PlaybookCLI
from ansible.parsing.splitter import parse_kv
from ansible.utils.context_objects import CLIArgs

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import specification
from tests.conftest import REPOSITORY
from tests.tools import examples

OURS = f"{examples.COLLECTION}."
COMMAND = re.compile(r"(?:^|(?<=[`|&(]))[ $]*(ansible(?:-playbook)? (?:[^\n`\\]|\\\n)+)", re.MULTILINE)
SHORT = re.compile(rf"`({re.escape(OURS)}\w+ -[^`]+)`")
OPTIONS_OF_A_RECOVERY = re.compile(r"`(-e barman_recover_[^`]+)`")
PLACEHOLDER = re.compile(r"[A-Z]{2,}|…|<\w+>|\[")
TAGS = {
    "all",
    *re.findall(
        r"\w+",
        " ".join(
            re.findall(
                r"tags: \[(.*?)\]",
                "".join(path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "playbooks").glob("*.yml"))),
            )
        ),
    ),
}
"""Those of all playbooks."""


def command_lines(page: Path) -> Iterator[str]:
    """Each command line of the page that runs Ansible, and each line of options that a page adds to a recovery."""
    text = page.read_text(encoding="utf-8")
    for found in COMMAND.finditer(text):
        yield " ".join(found[1].replace("\\\n", " ").split())
    for found in SHORT.finditer(text):
        yield f"ansible-playbook {found[1]}"
    for found in OPTIONS_OF_A_RECOVERY.finditer(text):
        yield f"ansible-playbook {OURS}recover -e barman_recover_server=orders {found[1]}"


def parsed(words: list[str]) -> CLIArgs:
    """The options, as Ansible reads them. Raises SystemExit if it refuses them."""
    cli = (PlaybookCLI if words[0] == "ansible-playbook" else AdHocCLI)(words)
    cli.init_parser()
    return CLIArgs.from_options(cli.parser.parse_args(words[1:]))


def given(options: CLIArgs) -> dict[str, Any]:
    """The variables of -e that a file does not have."""
    return {
        name: value
        for text in options["extra_vars"] or ()
        if text[:1] not in "@{"
        for name, value in parse_kv(text).items()
    }


def command_problems(line: str, modules: Mapping[str, Any]) -> list[str]:
    try:
        options = parsed(shlex.split(line))
    except SystemExit as ended:
        return [f"{line}: Ansible refuses its options"] if ended.code else []
    if line.startswith("ansible-playbook "):
        ours = [name for name in options["args"] if name.startswith(OURS)]
        # Playbooks of one command share its variables.
        shared = (
            {name for playbook in ours for name in specification(playbook.removeprefix(OURS))} if ours[1:] else set()
        )
        return [
            f"{line}: {problem}"
            for playbook in options["args"]
            for problem in playbook_problems(playbook, options, shared)
        ]
    spec = modules.get(options["module_name"])
    found = examples.argument_problems(spec, parse_kv(options["module_args"])) if spec is not None else []
    if spec is None and options["module_name"].startswith(OURS):
        found = ["there is no such module"]
    return [f"{line}: {problem}" for problem in found]


def playbook_problems(playbook: str, options: CLIArgs, shared: Collection[str] = ()) -> Iterator[str]:
    """shared: the arguments of the other playbooks of the command."""
    if not playbook.startswith(OURS):
        own = playbook.startswith(("controller/", "playbooks/", "extensions/"))
        if own and not (REPOSITORY / playbook).is_file():
            yield "there is no such playbook"
        return
    declared = specification(playbook.removeprefix(OURS))
    values = given(options)
    yield from (
        f"{name} is no argument of {playbook}, and no variable of the inventory"
        for name in values
        if name not in declared and name not in shared and name not in KNOWN_VARIABLES
    )
    shown = {name: value for name, value in values.items() if name in declared and not PLACEHOLDER.search(value)}
    others = {name: "x" for name, option in declared.items() if option.get("required")}
    yield from convert({name: declared[name] for name in {*shown, *others}}, {**others, **shown})[1]
    yield from (f"no playbook has the tag {tag}" for tag in options["tags"] if tag not in TAGS)


PAGES = [page for page in examples.markdown_pages() if any(command_lines(page)) and "reference" not in page.parts]


@pytest.mark.parametrize("page", PAGES, ids=examples.relative)
def test_each_command_line_of_a_page_can_be_run(page: Path) -> None:
    modules = {f"{OURS}{name}": examples.spec_from_module(name) for name in examples.module_names()}
    assert [problem for line in command_lines(page) for problem in command_problems(line, modules)] == []


def test_the_pages_for_a_disaster_have_commands() -> None:
    counts = {page.stem: len(list(command_lines(page))) for page in PAGES}
    assert counts["recover-now"] >= 14
    assert {"first-servers", "recovery", "adopting", "troubleshooting", "awx", "README"} <= set(counts)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("ansible-playbook pgdr.barman.recover --chek", "refuses its options"),
        ("ansible-playbook pgdr.barman.check -e barman_recover_server=pg", "is no argument of pgdr.barman.check"),
        ("ansible-playbook pgdr.barman.recover -e barman_recover_jobs=many", "barman_recover_jobs"),
        ("ansible-playbook pgdr.barman.deploy --tags arhive", "no playbook has the tag arhive"),
        ("ansible-playbook controller/templates/other.yml", "there is no such playbook"),
        ("ansible pg -m pgdr.barman.recovery_record -a 'data_directory=/a sate=absent'", "sate"),
    ],
)
def test_mistakes_are_found(line: str, problem: str) -> None:
    modules = {f"{OURS}{name}": examples.spec_from_module(name) for name in examples.module_names()}
    found = command_problems(line, modules)
    assert len(found) >= 1
    assert problem in found[0]
