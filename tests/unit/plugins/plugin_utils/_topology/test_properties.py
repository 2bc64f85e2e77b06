# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever the inventory holds: problems, or requirements that fit together."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import Unreadable
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import KNOWN_VARIABLES
from tests.unit.plugins.plugin_utils._topology.inventories import backup, pg

SECRET = "s3cr3t-never-to-be-seen"

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def inventories(draw):
    """Inventories that are right more often than not, of every architecture."""
    backups = [f"backup-{number}" for number in range(draw(st.integers(1, 4)))]
    backup_hosts = {}
    for number, host in enumerate(backups):
        variables = backup(f"198.51.100.{number + 1}", barman_allow_empty=True)
        # Replicating only from hosts with smaller numbers makes no circle.
        if number and draw(st.booleans()):
            variables["barman_passive_of"] = draw(st.sampled_from(backups[:number]))
        if draw(st.booleans()):
            variables["barman_zone"] = draw(st.sampled_from(["eu", "us"]))
        if draw(st.booleans()):
            variables["barman_global_options"] = {"compression": draw(st.sampled_from(["gzip", "bzip2"]))}
        if draw(st.booleans()):
            variables["barman_addresses"] = [f"203.0.113.{number + 1}", "192.0.2.0/24"]
        backup_hosts[host] = variables
    pg_hosts: dict[str, dict[str, Any]] = {}
    for number in range(draw(st.integers(1, 6))):
        host = f"pg-{number}"
        variables = pg(
            f"10.0.0.{number + 1}",
            barman_backup_server=draw(st.sampled_from(backups)),
            barman_postgres_password=SECRET,
            barman_streaming_password=SECRET,
            barman_postgres_version=draw(st.integers(13, 18)),
        )
        method = draw(st.sampled_from(["postgres", "rsync"]))
        variables["barman_backup_method"] = method
        variables["barman_wal"] = draw(
            st.sampled_from([["streaming"], ["archiving"], ["streaming", "archiving"], ["archiving", "streaming"]])
        )
        if method == "rsync":
            variables["barman_incremental"] = draw(st.sampled_from(["none", "link", "copy"]))
        elif variables["barman_postgres_version"] >= 17:
            variables["barman_incremental"] = draw(st.sampled_from(["none", "block"]))
        if "streaming" in variables["barman_wal"]:
            variables["barman_synchronous"] = draw(st.booleans())
        if draw(st.booleans()):
            others = [name for name in backups if name != variables["barman_backup_server"]]
            if others:
                variables["barman_passive_servers"] = [draw(st.sampled_from(others))]
        if pg_hosts and draw(st.integers(0, 4)) == 0:
            variables["barman_primary"] = "pg-0"
            variables["barman_postgres_version"] = pg_hosts["pg-0"]["barman_postgres_version"]
            variables["barman_slot_name"] = f"barman_{number}"
            variables["barman_wal"] = ["streaming"]
            variables["barman_synchronous"] = False
            # The primary's own receiver may be a synchronous one.
            variables["barman_options"] = {"streaming_archiver_name": f"barman_{number}"}
            if variables["barman_postgres_version"] < 17 and variables.get("barman_incremental") == "block":
                variables["barman_incremental"] = "none"
        variables["barman_manage_postgres"] = draw(st.booleans())
        pg_hosts[host] = variables
    return pg_hosts, backup_hosts


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just(Unreadable("it is undefined")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
wild_variables = st.dictionaries(st.sampled_from(sorted(KNOWN_VARIABLES)) | st.text(max_size=12), anything, max_size=8)
host_names = st.text(min_size=1, max_size=12)


def as_json(value):
    return json.dumps(value, sort_keys=True)


@quick
@given(inventories())
def test_the_ends_of_everything_exist(inventory):
    pg_hosts, backup_hosts = inventory
    found = build(pg_hosts, backup_hosts)
    if found.problems:
        return
    assert set(found.requirements) == set(pg_hosts) | set(backup_hosts)
    for host, required in found.requirements.items():
        for connection in required["ssh_connections"]:
            ends = {*connection["from_hosts"], *connection["to_hosts"]}
            assert host in ends
            assert connection["from_host"] in connection["from_hosts"]
            assert connection["to_host"] in connection["to_hosts"]
            assert ends <= set(found.requirements)
            for end in ends:
                assert connection in found.requirements[end]["ssh_connections"]
    for connection in found.topology["recovery_ssh_connections"]:
        assert connection["from_host"] in backup_hosts
        assert connection["to_host"] in pg_hosts


@quick
@given(inventories())
def test_the_inverse_relation_is_complete(inventory):
    pg_hosts, backup_hosts = inventory
    found = build(pg_hosts, backup_hosts)
    if found.problems:
        return
    active = {}
    for host in backup_hosts:
        entries = found.requirements[host]["barman"]["servers"]
        assert len({entry["name"] for entry in entries}) == len(entries)
        for entry in entries:
            if entry["passive"]:
                source_entries = found.requirements[str(entry["source"])]["barman"]["servers"]
                assert entry["name"] in {other["name"] for other in source_entries}
                assert entry["source"] != host
            else:
                assert entry["host"] not in active
                active[entry["host"]] = host
    assert active == {host: variables["barman_backup_server"] for host, variables in pg_hosts.items()}
    for host, variables in pg_hosts.items():
        for target in variables.get("barman_passive_servers", ()):
            assert host in {entry["host"] for entry in found.requirements[target]["barman"]["servers"]}


@quick
@given(inventories())
def test_every_connection_is_let_in_and_has_its_password(inventory):
    pg_hosts, backup_hosts = inventory
    found = build(pg_hosts, backup_hosts)
    if found.problems:
        return
    for host in backup_hosts:
        required = found.requirements[host]["barman"]
        sources = set(found.topology["backup_servers"][host]["addresses"])
        for line in required["pgpass"]:
            rules = found.requirements[line["host"]]["postgres"]["hba_rules"]
            database = "replication" if line["database"] == "*" else line["database"]
            let_in = {
                rule["source"] for rule in rules if (rule["users"], rule["databases"]) == (line["user"], database)
            }
            assert sources <= let_in
            assert line["password_variable"] in pg_hosts[line["host"]]
        for entry in required["servers"]:
            if entry["streaming"]:
                slots = [slot for server in pg_hosts for slot in found.requirements[server]["postgres"]["slots"]]
                assert entry["slot_name"] in slots


@quick
@given(inventories())
def test_no_secret_is_in_the_outcome(inventory):
    found = build(*inventory)
    assert SECRET not in as_json([found.topology, found.requirements, found.warnings, [str(p) for p in found.problems]])


@quick
@given(inventories(), st.randoms(use_true_random=False))
def test_order_does_not_matter(inventory, random):
    def shuffled(mapping):
        names = list(mapping)
        random.shuffle(names)
        return {name: shuffled(mapping[name]) if isinstance(mapping[name], dict) else mapping[name] for name in names}

    first, second = build(*inventory), build(*(shuffled(group) for group in inventory))
    assert [str(problem) for problem in first.problems] == [str(problem) for problem in second.problems]
    assert as_json([first.topology, first.requirements, first.warnings]) == as_json(
        [second.topology, second.requirements, second.warnings]
    )


@quick
@given(inventories())
def test_another_server_changes_nothing_for_the_others(inventory):
    pg_hosts, backup_hosts = inventory
    found = build(pg_hosts, backup_hosts)
    if found.problems:
        return
    more = build({**pg_hosts, "pg-new": pg("10.9.9.9", barman_backup_server="backup-0")}, backup_hosts)
    assert more.problems == []
    for host in pg_hosts:
        assert more.requirements[host] == found.requirements[host]
    for host in backup_hosts:
        before, after = found.requirements[host]["barman"]["servers"], more.requirements[host]["barman"]["servers"]
        assert [entry for entry in after if entry["host"] != "pg-new"] == before


@quick
@given(inventories())
def test_most_generated_inventories_are_right(inventory):
    """What the other properties look at must not be empty; the mistake here is a server that is replicated twice."""
    found = build(*inventory)
    assert {problem.variable for problem in found.problems} <= {"barman_passive_servers", "barman_wal"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(host_names, wild_variables, max_size=3),
    st.dictionaries(host_names, wild_variables, max_size=3),
    wild_variables,
)
def test_no_input_breaks_it(pg_hosts, backup_hosts, changes):
    found = build({**pg_hosts, "pg": {**pg(), **changes}}, {**backup_hosts, "backup": {**backup(), **changes}})
    for problem in found.problems:
        assert str(problem)
        assert problem.message
        assert problem.instead
    if not found.problems:
        as_json([found.topology, found.requirements])
