# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that would become Barman's, machines that have two roles, and addresses with brackets or a port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._host.system_directories import SYSTEM_DIRECTORIES
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.directory_rules import unfit
from tests.unit.plugins.plugin_utils._topology.inventories import backup, good, only_problem, outcome, pg, problems

OF_THE_SYSTEM = [
    "/",
    "/var",
    "/var/lib",
    "/var/lib/",
    "/etc",
    "/home",
    "/root",
    "/srv",
    "/usr/local",
    "/var/log",
    "/mnt",
]
OF_OTHERS = ["/var/lib/postgresql", "/var/lib/postgresql/17/main", "/var/lib/pgsql/17", "/root/barman", "/run/barman"]


@pytest.mark.parametrize(
    "home", [*OF_THE_SYSTEM, *OF_OTHERS, "/etc/barman", "/srv/../etc", "/tmp/barman", "//home", "//var//lib"]
)
def test_a_home_that_is_not_barmans_is_refused(home):
    problem = only_problem(None, {"barman_home": home})
    assert (problem.host, problem.variable) == ("backup", "barman_home")
    assert (home.rstrip("/") or "/") in problem.message
    assert "/srv/barman" in problem.instead


@pytest.mark.parametrize(
    "home", ["/var/lib/barman", "/srv/barman", "/barman", "/mnt/backups", "/home/barman", "/data/pg/barman"]
)
def test_a_home_of_its_own_is_accepted(home):
    good(None, {"barman_home": home})


@pytest.mark.parametrize("variable", ["barman_configuration_directory", "barman_hook_directory"])
def test_other_directories_of_a_backup_server(variable):
    assert only_problem(None, {variable: "/etc"}).variable == variable
    good(None, {variable: "/etc/barman/own"})


@pytest.mark.parametrize("log_file", ["/var/log/barman.log", "/etc/passwd", "/etc/cron.d/x", "/root/x/barman.log"])
def test_the_directory_of_the_log_becomes_that_of_another_user(log_file):
    options = {"barman_user": "bm", "barman_home": "/srv/bm", "barman_global_options": {"log_file": log_file}}
    problem = only_problem(None, options)
    assert problem.variable == "barman_global_options.log_file"
    assert "/var/log/bm/barman.log" in problem.instead
    good(None, {**options, "barman_global_options": {"log_file": "/var/log/bm/all.log"}})


def test_nobody_works_as_root():
    assert only_problem(None, {"barman_user": "root", "barman_home": "/srv/barman"}).variable == "barman_user"
    assert only_problem({"barman_postgres_os_user": "root"}, None).variable == "barman_postgres_os_user"


@pytest.mark.parametrize(
    "option", ["backup_directory", "basebackups_directory", "wals_directory", "incoming_wals_directory"]
)
def test_directories_of_an_entry(option):
    problem = only_problem({"barman_options": {option: "/var/lib"}})
    assert (problem.host, problem.variable) == ("pg", f"barman_options.{option}")


@given(st.sampled_from(sorted(SYSTEM_DIRECTORIES)), st.sampled_from(["{}", "/{}", "//{}", "/x/..{}", "{}/.", "/.{}"]))
def test_no_directory_of_the_system_is_ever_fit(directory, written):
    assert unfit(written.format(directory))
    assert unfit(written.format(directory), data=False)


def warnings(*arguments, **keywords):
    return outcome(*arguments, **keywords).warnings


def test_a_backup_server_that_is_the_same_machine_is_warned_of():
    (found,) = warnings(None, {"ansible_host": "198.51.100.21"})
    assert found == (
        "pg: its backup server backup is the same machine (198.51.100.21:22); what destroys one destroys both."
    )


def test_instances_behind_one_address_with_other_ports_are_other_machines():
    found = warnings(
        {"ansible_host": "198.51.100.11", "ansible_port": 2222, "barman_ssh_port": 2222},
        {"ansible_host": "198.51.100.11"},
    )
    assert not [text for text in found if "same machine" in text]


def test_a_host_in_both_groups_is_warned_of():
    found = warnings(
        None,
        None,
        more_pg={"both": pg("198.51.100.31")},
        more_backup={"both": backup("198.51.100.31", barman_allow_empty=True)},
    )
    assert [text for text in found if "both" in text] == [
        "both: is a PostgreSQL server and a backup server; backups that fill its disk stop PostgreSQL, unless they have "
        "a file system of their own."
    ]


@pytest.mark.parametrize("variable", ["barman_address", "barman_postgres_host"])
def test_brackets_around_an_ipv6_address_are_taken_off(variable):
    found = good({variable: "[2001:db8::21]"})
    assert found.topology["postgres_servers"]["pg"]["postgres_host"] == "2001:db8::21"


@pytest.mark.parametrize(
    ("variable", "value", "instead"),
    [
        ("barman_address", ["2001:db8::1"], "write 2001:db8::1 without brackets, in quotes"),
        ("barman_address", "[2001:db8::1]:5433", "write 2001:db8::1, without a port, and 5433 as barman_postgres_port"),
        ("barman_address", "198.51.100.21:2222", "write 198.51.100.21, without a port, and 2222 as"),
        ("barman_postgres_host", "pg.example.net:5433", "write pg.example.net, without a port, and 5433 as"),
        ("barman_address", "[pg.example.net]", "write pg.example.net without brackets"),
        ("barman_address", "[198.51.100.21]", "write 198.51.100.21 without brackets"),
        ("ansible_host", "[2001:db8::1]", "write 2001:db8::1 without brackets"),
    ],
)
def test_brackets_and_ports_name_the_right_form(variable, value, instead):
    (problem,) = [found for found in problems({variable: value}) if found.variable == variable]
    assert instead in problem.instead
