# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes in Patroni's DCS, and what its own file prevents."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.control import configuration_file, running_files
from ansible_collections.pgdr.barman.plugins.module_utils._patroni.plan import PatroniRequest, plan

OTHERS = ["local all all peer", "host all all 198.51.100.0/24 md5"]
RULE = 'host "postgres" "barman" 198.51.100.11/32 scram-sha-256'
BLOCK = ["# BEGIN pgdr.barman", RULE, "# END pgdr.barman"]
REQUEST = PatroniRequest(slots=("barman",), rules=(RULE,))
FILE = "/etc/patroni/17-main.yml"


def dynamic(**postgresql: Any) -> dict[str, Any]:
    return {"ttl": 30, "postgresql": {"parameters": {"max_connections": 100}, **postgresql}}


def test_a_new_cluster_gets_its_slot_and_its_rules_at_the_top() -> None:
    found = plan(dynamic(pg_hba=OTHERS), {}, REQUEST, FILE)
    assert found.patch == {"slots": {"barman": {"type": "physical"}}, "postgresql": {"pg_hba": [*BLOCK, *OTHERS]}}
    assert found.writes_rules


def test_what_is_there_is_no_change() -> None:
    there = {
        **dynamic(pg_hba=[*BLOCK, *OTHERS]),
        "slots": {"barman": {"type": "physical"}, "other": {"type": "physical"}},
    }
    found = plan(there, {}, REQUEST, FILE)
    assert found.patch == {}
    assert found.before == found.after


@pytest.mark.parametrize(
    "slot", [{"type": "physical", "cluster_type": "primary"}, {"cluster_type": "primary"}, {}, None]
)
def test_a_physical_slot_with_further_keys_stays_as_it_is(slot: Any) -> None:
    there = {**dynamic(pg_hba=[*BLOCK, *OTHERS]), "slots": {"barman": slot}}
    found = plan(there, {}, REQUEST, FILE)
    assert found.patch == {}
    assert found.before == found.after


@pytest.mark.parametrize(
    "slot",
    [
        {"type": "logical", "database": "app", "plugin": "pgoutput"},
        {"database": "app", "plugin": "pgoutput"},
        "reserved",
    ],
)
def test_somebody_elses_slot_is_refused(slot: Any) -> None:
    with pytest.raises(HostError, match=r"slot barman in Patroni's DCS is not a physical one.*barman_slot_name"):
        plan({**dynamic(), "slots": {"barman": slot}}, {}, REQUEST, FILE)


def test_rules_that_are_not_needed_any_more_are_removed_and_no_others() -> None:
    found = plan(dynamic(pg_hba=[OTHERS[0], *BLOCK, OTHERS[1]]), {}, PatroniRequest(), FILE)
    assert found.patch == {"postgresql": {"pg_hba": OTHERS}}


def test_without_rules_in_the_dcs_the_file_is_not_patronis() -> None:
    found = plan(dynamic(), {}, REQUEST, FILE)
    assert not found.writes_rules
    assert found.patch == {"slots": {"barman": {"type": "physical"}}}


@pytest.mark.parametrize("where", ["dcs", "file"])
def test_with_an_hba_file_of_its_own_patroni_ignores_its_rules(where: str) -> None:
    own = {"parameters": {"hba_file": "/etc/pg_hba.conf"}}
    shared = dynamic(pg_hba=OTHERS, **(own if where == "dcs" else {}))
    assert not plan(shared, {"postgresql": own} if where == "file" else {}, REQUEST, FILE).writes_rules


def test_settings_are_compared_as_text() -> None:
    request = PatroniRequest(parameters={"max_wal_senders": "12", "max_connections": "100"})
    found = plan(dynamic(), {}, request, FILE)
    assert found.patch == {"postgresql": {"parameters": {"max_wal_senders": "12"}}}
    assert found.before["parameters"] == {"max_connections": "100"}


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ({"pg_hba": OTHERS}, "has postgresql.pg_hba, which overrides the list in the DCS"),
        ({"parameters": {"max_wal_senders": 3}}, "sets max_wal_senders in postgresql.parameters"),
    ],
)
def test_what_the_file_overrides_is_an_error(local: dict[str, Any], words: str) -> None:
    request = PatroniRequest(parameters={"max_wal_senders": "12"}, rules=(RULE,))
    with pytest.raises(HostError, match=words):
        plan(dynamic(pg_hba=OTHERS), {"postgresql": local}, request, FILE)


def test_the_addresses_that_postgresql_listens_on_are_the_files() -> None:
    request = PatroniRequest(parameters={"listen_addresses": "*"})
    with pytest.raises(HostError, match=rf"listens on 127.0.0.1:5432 only.*Change postgresql.listen in {FILE}"):
        plan(dynamic(), {"postgresql": {"listen": "127.0.0.1:5432"}}, request, FILE)


def test_the_file_of_the_running_patroni(tmp_path: Any) -> None:
    for pid, words in {
        "12": ["/usr/bin/python3", "/usr/bin/patroni", FILE],
        "13": ["/usr/bin/vi", "/etc/patroni/x.yml"],
    }.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_text("\0".join(words) + "\0")
    assert running_files(str(tmp_path)) == [FILE]


def test_which_file() -> None:
    assert configuration_file("/srv/p.yml", ["/etc/a.yml"]) == "/srv/p.yml"
    assert configuration_file(None, ["/etc/a.yml"]) == "/etc/a.yml"
    for running, words in (([], "no Patroni process"), (["/a.yml", "/b.yml"], "several Patroni processes")):
        with pytest.raises(HostError, match=words):
            configuration_file(None, running)
