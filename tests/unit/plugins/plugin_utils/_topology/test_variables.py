# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table is the only declaration of the inventory's variables: adding one is one edit."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import resolve as resolving
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.role_variables import ROLE_VARIABLES
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import (
    KNOWN_VARIABLES,
    SECRET_VARIABLES,
    VARIABLES,
)
from tests.unit.plugins.plugin_utils._topology.inventories import good, only_problem

#: The names of the groups are read before the hosts are known.
GROUPS = {"barman_pg_group", "barman_backup_group"}


def test_what_is_read_of_the_hosts_is_the_table(monkeypatch):
    read = set()

    def recording(method):
        def call(self, name, *arguments):
            read.add(name)
            return method(self, name, *arguments)

        return call

    for name in ("parsed", "has_secret"):
        monkeypatch.setattr(resolving._Reader, name, recording(getattr(resolving._Reader, name)))
    good({"barman_address": "198.51.100.21"})
    assert read == set(KNOWN_VARIABLES) - GROUPS | {"ansible_host"}


def test_each_name_is_declared_once():
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)


def test_what_a_role_reads_reaches_it_parsed_and_with_defaults():
    outcome = good(
        {
            "barman_restart_allowed": "yes",
            "barman_postgres_packages": "rsync, zstd",
            "barman_deploy_archive_timeout": "5",
        },
    )
    variables = outcome.requirements["pg"]["postgres"]["variables"]
    assert variables["barman_restart_allowed"] is True
    assert variables["barman_postgres_packages"] == ["rsync", "zstd"]
    assert variables["barman_deploy_archive_timeout"] == 5
    assert variables["barman_postgres_superuser"] == "postgres"


TEXT_FORMS = {
    "boolean": (True, "true"),
    "integer": (17, "17"),
    "port": (5433, "5433"),
    "list of texts": (["one", "two"], "one, two"),
    "list of addresses": (["198.51.100.1", "198.51.100.2"], "198.51.100.1\n198.51.100.2"),
    "list of streaming, archiving": (["streaming", "archiving"], '["streaming", "archiving"]'),
    "list of prometheus, nagios, notify": (["prometheus", "nagios"], "prometheus,nagios"),
    "list of codes": (["critical", "same_disk"], "critical, same_disk"),
    "list of findings": (
        [{"code": "same_disk", "subject": "pg", "reason": "a test machine", "until": "2027-06-30"}],
        '[{"code": "same_disk", "subject": "pg", "reason": "a test machine", "until": "2027-06-30"}]',
    ),
    "list of queries": (["SELECT 1, 2", "SELECT 3"], "SELECT 1, 2\nSELECT 3\n"),
    "dictionary": ({"application_name": "x"}, "application_name=x"),
}


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_variable_takes_the_text_form_of_its_type(variable):
    words = variable.kind.words
    if words not in TEXT_FORMS:
        assert not words.startswith("list of")
        return
    native, text = TEXT_FORMS[words]
    assert reading(variable, text) == reading(variable, native)


def reading(variable, value):
    """What is read, or what is wrong with it."""
    if variable.kind.parse_parts is None:
        return variable.kind.parse(value)
    problems: list[tuple[str, str, str]] = []
    found = variable.kind.parse_parts(value, lambda *problem: problems.append(problem))
    return found, problems


def test_no_secret_is_in_the_requirements():
    secret = "never-to-be-seen"
    outcome = good({}, {"barman_aws_credentials": {"default": {"aws_secret_access_key": secret}}})
    assert secret not in str(outcome)
    assert not SECRET_VARIABLES & set(outcome.requirements["backup"]["barman"]["variables"])
    problem = only_problem({}, {"barman_aws_credentials": secret})
    assert problem.variable == "barman_aws_credentials"
    assert secret not in str(problem)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("barman_restart_alowed", "barman_restart_allowed"),
        ("barman_deploy_chek_timeout", "barman_deploy_check_timeout"),
    ],
)
def test_a_misspelt_variable_of_a_role_gets_the_name_that_was_meant(misspelt, meant):
    problem = only_problem({misspelt: True})
    assert problem.variable == misspelt
    assert meant in problem.instead


@pytest.mark.parametrize("role", ["pg", "backup", "hooks"])
def test_a_role_reads_only_variables_of_the_table(repository, role):
    texts = "".join(path.read_text() for path in (repository / "roles" / role).glob("*/*.yml"))
    read = set(re.findall(rf"__(?:{role}_variables|hooks_barman\.variables)\.(barman_\w+)", texts))
    assert read <= {variable.name for variable in ROLE_VARIABLES} - SECRET_VARIABLES


def test_the_roles_read_every_variable_that_is_theirs(repository):
    # The roles get the names of packages from a filter.
    packages = repository / "plugins" / "plugin_utils" / "packages.py"
    texts = "".join(path.read_text() for path in (*(repository / "roles").glob("*/*/*.yml"), packages))
    assert {variable.name for variable in ROLE_VARIABLES if variable.name not in texts} == set()


@pytest.mark.parametrize("role", ["pg", "backup", "hooks"])
def test_a_roles_own_variables_are_few_and_its_specification_has_each(repository, role):
    defaults = yaml.safe_load((repository / "roles" / role / "defaults" / "main.yml").read_text())
    specified = yaml.safe_load((repository / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options = specified["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults
    assert len(defaults) <= 5
