# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each architecture requirements of each host."""

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.resolve import resolve
from tests.unit.plugins.plugin_utils._topology.inventories import backup, good, pg

LIMITS = "connect_timeout=10 keepalives_idle=60 keepalives_interval=10 keepalives_count=6"


def barman(found, host="backup"):
    return found.requirements[host]["barman"]


def postgres(found, host="pg"):
    return found.requirements[host]["postgres"]


def entry(found, name="pg", host="backup"):
    (only,) = [server for server in barman(found, host)["servers"] if server["name"] == name]
    return only


def connections(found, host, purpose=None):
    return [
        f"{connection['from_user']}@{connection['from_host']} -> {connection['to_user']}@{connection['to_host']}"
        for connection in found.requirements[host]["ssh_connections"]
        if purpose in (None, connection["purpose"])
    ]


# --- 1a: streaming only -----------------------------------------------------------------------------------------------


def test_streaming_only_entry():
    assert entry(good()) == {
        "name": "pg",
        "host": "pg",
        "given": [],
        "passive": False,
        "streaming": True,
        "archiving": False,
        "slot_name": "barman",
        "synchronous": False,
        "source": None,
        "hops": 0,
        "options": {
            "description": "PostgreSQL 17 on pg",
            "conninfo": f"host=198.51.100.21 port=5432 user=barman dbname=postgres sslmode=prefer {LIMITS}",
            "streaming_conninfo": f"host=198.51.100.21 port=5432 user=streaming_barman sslmode=prefer {LIMITS}",
            "backup_method": "postgres",
            "archiver": False,
            "streaming_archiver": True,
            "slot_name": "barman",
            "create_slot": "auto",
            "minimum_redundancy": 1,
            "retention_policy": "RECOVERY WINDOW OF 14 DAYS",
            "path_prefix": "/usr/lib/postgresql/17/bin",
        },
    }


def test_streaming_only_backup_server():
    required = barman(good())
    assert required["user"] == "barman"
    assert required["home"] == "/var/lib/barman"
    assert required["configuration_directory"] == "/etc/barman.d"
    assert required["client_versions"] == [17]
    assert required["global_options"] == {
        "barman_user": "barman",
        "barman_home": "/var/lib/barman",
        "configuration_files_directory": "/etc/barman.d",
        "log_file": "/var/log/barman/barman.log",
        "log_level": "INFO",
    }
    assert required["pgpass"] == [
        {
            "host": "pg",
            "address": "198.51.100.21",
            "port": 5432,
            "database": "postgres",
            "user": "barman",
            "password_variable": "barman_postgres_password",
        },
        {
            "host": "pg",
            "address": "198.51.100.21",
            "port": 5432,
            "database": "*",
            "user": "streaming_barman",
            "password_variable": "barman_streaming_password",
        },
    ]
    (schedule,) = required["schedules"]
    assert schedule["type"] == "full"
    assert schedule["server"] == "pg"
    assert 0 <= int(schedule["minute"]) <= 59
    assert 0 <= int(schedule["hour"]) <= 3
    assert (schedule["day"], schedule["month"], schedule["weekday"]) == ("*", "*", "*")


def test_the_former_way_has_its_passwords_too():
    found = good({"barman_backup_method": "rsync", "barman_wal": ["archiving"]})
    assert [line["database"] for line in barman(found)["pgpass"]] == ["postgres"]
    assert postgres(found)["pgpass"] == barman(good())["pgpass"]


def test_streaming_only_postgres():
    required = postgres(good())
    assert required["server_name"] == "pg"
    assert required["users"] == {"management": "barman", "streaming": "streaming_barman"}
    assert required["hba_rules"] == [
        {
            "type": "host",
            "databases": "postgres",
            "users": "barman",
            "source": "198.51.100.11/32",
            "method": "scram-sha-256",
        },
        {
            "type": "host",
            "databases": "replication",
            "users": "streaming_barman",
            "source": "198.51.100.11/32",
            "method": "scram-sha-256",
        },
    ]
    assert required["settings"] == {
        "wal_level": {"minimum": "replica"},
        "max_wal_senders": {"minimum": 4},
        "max_replication_slots": {"minimum": 1},
    }
    assert required["slots"] == ["barman"]
    assert required["archiving"] is None
    assert required["manual"] is None
    assert required["privileges"]["memberships"] == ["pg_checkpoint", "pg_read_all_settings", "pg_read_all_stats"]


def test_streaming_only_needs_no_ssh_but_for_a_recovery():
    found = good()
    assert connections(found, "pg") == []
    assert connections(found, "backup") == []
    (connection,) = found.topology["recovery_ssh_connections"]
    assert connection == {
        "from_host": "backup",
        "from_hosts": ["backup"],
        "from_user": "barman",
        "from_addresses": ["198.51.100.11/32"],
        "to_host": "pg",
        "to_hosts": ["pg"],
        "to_user": "postgres",
        "to_address": "198.51.100.21",
        "to_port": 22,
        "purpose": "recovery",
        "forced_command": None,
    }


def test_tls_is_asked_for_on_both_sides():
    found = good(
        {
            "barman_sslmode": "verify-full",
            "barman_sslrootcert": "/etc/ssl/ca.pem",
            "barman_postgres_host": "pg.example.net",
        }
    )
    assert entry(found)["options"]["streaming_conninfo"] == (
        f"host=pg.example.net port=5432 user=streaming_barman sslmode=verify-full sslrootcert=/etc/ssl/ca.pem {LIMITS}"
    )
    assert {rule["type"] for rule in postgres(found)["hba_rules"]} == {"hostssl"}


def test_a_client_certificate_replaces_the_passwords():
    found = good(
        {
            "barman_postgres_password": None,
            "barman_streaming_password": None,
            "barman_streaming_user": "barman",
            "barman_sslcert": "/etc/barman/tls.crt",
            "barman_sslkey": "/etc/barman/tls.key",
        }
    )
    assert barman(found)["pgpass"] == []
    assert {(rule["type"], rule["method"]) for rule in postgres(found)["hba_rules"]} == {("hostssl", "cert")}


def test_words_of_a_connection_string_are_quoted():
    found = good({"barman_connection_options": {"options": "-c a='b\\c'", "channel_binding": ""}})
    assert "options='-c a=\\'b\\\\c\\'' channel_binding=''" in entry(found)["options"]["conninfo"]


def test_further_connection_parameters():
    found = good({"barman_connection_options": {"connect_timeout": 3, "gssencmode": "disable"}})
    for name in ("conninfo", "streaming_conninfo"):
        value = entry(found)["options"][name]
        assert value.endswith(
            " connect_timeout=3 keepalives_idle=60 keepalives_interval=10 keepalives_count=6 gssencmode=disable"
        )


def test_a_socket_needs_no_time_limits():
    found = good({"barman_postgres_host": "/run/postgresql", "ansible_host": "198.51.100.11"})
    assert entry(found)["options"]["conninfo"] == "host=/run/postgresql port=5432 user=barman dbname=postgres"


def test_the_port_of_the_socket_is_not_the_port_behind_a_proxy():
    found = good({"barman_postgres_port": 5000, "barman_postgres_local_port": "5433", "barman_wal": ["streaming"]})
    options = entry(found)["options"]
    assert all(" port=5000 " in options[name] for name in ("conninfo", "streaming_conninfo"))
    assert {line["port"] for line in barman(found)["pgpass"]} == {5000}
    assert postgres(found)["port"] == 5433
    assert found.topology["postgres_servers"]["pg"]["local_port"] == 5433
    assert postgres(good({"barman_postgres_port": 5434}))["port"] == 5434


def test_every_address_of_the_backup_server_gets_its_rule():
    found = good(None, {"barman_addresses": ["198.51.100.11", "2001:db8::11", "203.0.113.0/28"]})
    sources = [rule["source"] for rule in postgres(found)["hba_rules"] if rule["databases"] == "postgres"]
    assert sources == ["198.51.100.11/32", "2001:db8::11/128", "203.0.113.0/28"]


def test_the_address_is_ansibles_unless_another_is_given():
    assert postgres(good(None, {"barman_address": "203.0.113.9"}))["hba_rules"][0]["source"] == "203.0.113.9/32"
    assert entry(good({"barman_address": "203.0.113.8"}))["options"]["conninfo"].startswith("host=203.0.113.8 ")


def test_options_win_over_what_is_derived():
    found = good({"barman_options": {"path_prefix": "/opt/pg/bin", "check_timeout": 60, "description": "Main"}})
    options = entry(found)["options"]
    assert (options["path_prefix"], options["check_timeout"], options["description"]) == ("/opt/pg/bin", 60, "Main")


def test_identity_options_may_repeat_the_derived_value():
    good({"barman_options": {"archiver": "off", "slot_name": "barman", "backup_method": "postgres"}})


def test_no_client_directory():
    assert "path_prefix" not in entry(good(None, {"barman_client_directory": ""}))["options"]


def test_a_declared_schedule():
    found = good({"barman_backup_schedule": "@weekly"})
    assert barman(found)["schedules"] == [
        {"server": "pg", "type": "full", "minute": "0", "hour": "0", "day": "*", "month": "*", "weekday": "0"}
    ]
    assert barman(good({"barman_backup_schedule": ""}))["schedules"] == []


def test_no_retention_policy():
    assert "retention_policy" not in entry(good({"barman_retention_policy": ""}))["options"]


def test_one_role_for_both_connections():
    found = good(
        {
            "barman_streaming_user": "barman",
            "barman_streaming_password": "same",
            "barman_postgres_password": "same",
        }
    )
    assert postgres(found)["users"] == {"management": "barman", "streaming": "barman"}


# --- 1b, 2a, 2b -------------------------------------------------------------------------------------------------------


def test_streaming_with_archiving_beside_it():
    found = good({"barman_wal": ["archiving", "streaming"]})
    assert entry(found)["options"]["archiver"] is True
    assert entry(found)["options"]["streaming_archiver"] is True
    assert postgres(found)["settings"]["archive_mode"] == {"value": "on"}
    assert postgres(found)["archiving"] == {
        "server": "pg",
        "backup_server": "backup",
        "address": "198.51.100.11",
        "port": 22,
        "user": "barman",
        "incoming_directory": "/var/lib/barman/pg/incoming",
        "wals_directory": "/var/lib/barman/pg/wals",
        "method": "barman-wal-archive",
        "compression": "none",
        "timeout": None,
    }
    assert connections(found, "backup") == connections(found, "pg") == ["postgres@pg -> barman@backup"]
    assert found.requirements["pg"]["ssh_connections"][0]["forced_command"] == "barman put-wal pg"


def test_rsync_with_archiving():
    found = good(
        {
            "barman_backup_method": "rsync",
            "barman_wal": ["archiving"],
            "barman_incremental": "link",
            "barman_streaming_password": None,
            "barman_options": {"parallel_jobs": 4, "tablespace_bandwidth_limit": {"tbs": 4000}},
        }
    )
    options = entry(found)["options"]
    assert (
        options["ssh_command"]
        == "ssh -q -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30 postgres@198.51.100.21"
    )
    assert options["reuse_backup"] == "link"
    assert options["backup_options"] == "concurrent_backup"
    assert "streaming_conninfo" not in options
    assert "slot_name" not in options
    assert entry(found)["slot_name"] is None
    assert barman(found)["client_versions"] == []
    assert [line["database"] for line in barman(found)["pgpass"]] == ["postgres"]
    assert postgres(found)["users"]["streaming"] is None
    assert [rule["databases"] for rule in postgres(found)["hba_rules"]] == ["postgres"]
    assert "max_wal_senders" not in postgres(found)["settings"]
    assert connections(found, "pg", "backup") == ["barman@backup -> postgres@pg"]
    assert connections(found, "pg", "archiving") == ["postgres@pg -> barman@backup"]


def test_by_archiving_alone_segments_are_closed_in_time():
    assert postgres(good({"barman_wal": ["archiving"]}))["archiving"]["timeout"] == 300
    assert postgres(good({"barman_wal": ["archiving"], "barman_archive_timeout": 0}))["archiving"]["timeout"] == 0
    both = good({"barman_wal": ["archiving", "streaming"], "barman_archive_timeout": 60})
    assert postgres(both)["archiving"]["timeout"] == 60


def test_archiving_with_rsync_forces_no_command():
    found = good({"barman_wal": ["archiving"], "barman_archive_method": "rsync", "barman_archive_compression": "zstd"})
    assert postgres(found)["archiving"]["method"] == "rsync"
    assert postgres(found)["archiving"]["compression"] == "zstd"
    assert found.requirements["backup"]["ssh_connections"][0]["forced_command"] is None


def test_rsync_with_streaming():
    found = good({"barman_backup_method": "rsync", "barman_incremental": "copy", "barman_ssh_port": 2222})
    options = entry(found)["options"]
    assert (
        options["ssh_command"]
        == "ssh -q -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30 -p 2222 postgres@198.51.100.21"
    )
    assert options["streaming_archiver"] is True
    assert postgres(found)["settings"]["max_wal_senders"] == {"minimum": 3}
    assert connections(found, "pg") == ["barman@backup -> postgres@pg"]
    assert barman(found)["client_versions"] == [17]


def test_instances_on_one_machine_share_a_key_so_no_command_is_forced():
    found = good(
        {"barman_wal": ["archiving"]}, more_pg={"pg-2": pg(barman_postgres_port=5433, barman_wal=["archiving"])}
    )
    assert [connection["forced_command"] for connection in found.requirements["backup"]["ssh_connections"]] == [None]
    assert [line["port"] for line in barman(found)["pgpass"]] == [5432, 5432, 5433, 5433]


def test_instances_on_one_machine_share_its_trust():
    """What is let in for one instance is on the other's machine, too: whoever takes away what is not asked for has to know it."""
    found = good({"barman_backup_method": "rsync"}, more_pg={"pg-2": pg(barman_postgres_port=5433)})
    (connection,) = found.requirements["pg-2"]["ssh_connections"]
    assert (connection["to_host"], connection["to_hosts"], connection["purpose"]) == ("pg", ["pg", "pg-2"], "backup")
    assert (
        found.requirements["pg"]["ssh_connections"] == found.requirements["backup"]["ssh_connections"] == [connection]
    )


def test_instances_behind_addresses_of_their_own_are_on_one_machine_where_ansible_reaches_them_at_one():
    found = good(
        {"barman_wal": ["archiving"], "barman_address": "198.51.100.31"},
        more_pg={"pg-2": pg(barman_wal=["archiving"], barman_address="198.51.100.32")},
    )
    (connection,) = found.requirements["backup"]["ssh_connections"]
    assert connection["from_hosts"] == ["pg", "pg-2"]
    assert connection["from_addresses"] == ["198.51.100.31/32", "198.51.100.32/32"]
    # With a command forced for the one, WAL of the other would land in its archive.
    assert connection["forced_command"] is None


def test_hosts_behind_one_address_and_other_ports_are_other_machines():
    found = good(
        {"barman_wal": ["archiving"], "ansible_port": 2201, "barman_ssh_port": 2201, "barman_postgres_port": 5431},
        more_pg={
            "pg-2": pg(barman_wal=["archiving"], ansible_port=2202, barman_ssh_port=2202, barman_postgres_port=5432)
        },
    )
    assert [connection["from_hosts"] for connection in found.requirements["backup"]["ssh_connections"]] == [
        ["pg"],
        ["pg-2"],
    ]
    assert [connection["forced_command"] for connection in found.requirements["backup"]["ssh_connections"]] == [
        "barman put-wal pg",
        "barman put-wal pg-2",
    ]


def test_an_unmanaged_instance_is_configured_by_no_other():
    found = good(
        {"barman_wal": ["archiving"]},
        more_pg={"pg-2": pg(barman_postgres_port=5433, barman_wal=["archiving"], barman_manage_postgres=False)},
    )
    assert [connection["from_host"] for connection in found.requirements["pg"]["ssh_connections"]] == ["pg"]
    assert [connection["from_host"] for connection in found.requirements["pg-2"]["ssh_connections"]] == ["pg-2"]
    assert [connection["forced_command"] for connection in found.requirements["backup"]["ssh_connections"]] == [
        None,
        None,
    ]


def test_another_home_moves_the_incoming_directory():
    found = good({"barman_wal": ["archiving"]}, {"barman_home": "/srv/barman/"})
    assert postgres(found)["archiving"]["incoming_directory"] == "/srv/barman/pg/incoming"


def test_snapshot():
    found = good(
        {
            "barman_backup_method": "snapshot",
            "barman_options": {"snapshot_provider": "aws", "snapshot_instance": "i-1", "snapshot_disks": ["a", "b"]},
        }
    )
    assert entry(found)["options"]["backup_method"] == "snapshot"
    assert connections(found, "backup", "backup") == ["barman@backup -> postgres@pg"]
    assert barman(found)["clouds"] == ["aws"]
    assert barman(good())["clouds"] == []


def test_block_increments():
    found = good({"barman_incremental": "block"})
    assert postgres(found)["settings"]["summarize_wal"] == {"value": "on"}
    full, incremental = barman(found)["schedules"]
    assert (full["type"], incremental["type"]) == ("full", "incremental")
    assert (full["minute"], full["hour"]) == (incremental["minute"], incremental["hour"])
    days = set(incremental["weekday"].split(",")) | {full["weekday"]}
    assert days == set("0123456")
    assert full["weekday"] not in incremental["weekday"].split(",")


def test_synchronous():
    found = good({"barman_synchronous": True})
    assert postgres(found)["settings"]["synchronous_standby_names"] == {"includes": ["barman_receive_wal"]}
    assert postgres(found)["synchronous"] == [{"name": "barman_receive_wal", "server": "pg", "backup_server": "backup"}]
    assert entry(found)["synchronous"] is True
    renamed = good({"barman_synchronous": True, "barman_options": {"streaming_archiver_name": "barman_vault"}})
    assert postgres(renamed)["settings"]["synchronous_standby_names"] == {"includes": ["barman_vault"]}


def test_a_synchronous_receiver_has_the_name_in_postgresql_s_setting():
    assert "streaming_archiver_name" not in entry(good())["options"]
    found = good({"barman_synchronous": True}, {"barman_global_options": {"streaming_archiver_name": "vault"}})
    assert entry(found)["options"]["streaming_archiver_name"] == "barman_receive_wal"


def test_synchronous_through_a_standby_and_by_itself():
    found = good(
        {"barman_synchronous": True},
        more_pg={
            "pg-2": pg(
                "198.51.100.22",
                barman_primary="pg",
                barman_slot_name="barman_2",
                barman_synchronous=True,
                barman_options={"streaming_archiver_name": "barman_2"},
            )
        },
    )
    assert postgres(found)["synchronous"] == [
        {"name": "barman_receive_wal", "server": "pg", "backup_server": "backup"},
        {"name": "barman_2", "server": "pg-2", "backup_server": "backup"},
    ]
    assert postgres(found)["settings"]["synchronous_standby_names"] == {"includes": ["barman_receive_wal", "barman_2"]}
    assert postgres(found, "pg-2")["synchronous"] == []


def test_synchronous_by_hand():
    manual = postgres(good({"barman_synchronous": True, "barman_manage_postgres": False}))["manual"]
    (line,) = [line for line in manual["settings"] if line.startswith("synchronous_standby_names")]
    assert line.startswith("synchronous_standby_names = 'FIRST 1 (\"barman_receive_wal\")'   # ")


# --- passive copies ----------------------------------------------------------------------------------------------------

ZONES = {
    "more_pg": {
        "pg-us": pg("203.0.113.21", barman_backup_server="backup-us", barman_passive_servers=["backup"]),
    },
    "more_backup": {"backup-us": backup("203.0.113.11", barman_ssh_port=2222)},
}


def test_each_zone_replicates_the_other_s_server():
    found = good({"barman_passive_servers": ["backup-us"]}, **ZONES)
    passive_entry = entry(found, "pg", "backup-us")
    assert passive_entry["passive"] is True
    assert passive_entry["source"] == "backup"
    assert passive_entry["hops"] == 1
    assert passive_entry["options"] == {
        "description": "PostgreSQL 17 on pg, replicated from backup",
        "primary_ssh_command": "ssh -q -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30 barman@198.51.100.11",
        "retention_policy": "RECOVERY WINDOW OF 14 DAYS",
        "minimum_redundancy": 1,
        "path_prefix": "/usr/lib/postgresql/17/bin",
    }
    assert entry(found, "pg-us", "backup")["options"]["primary_ssh_command"] == (
        "ssh -q -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=30 -p 2222 barman@203.0.113.11"
    )
    assert set(connections(found, "backup")) == {
        "barman@backup-us -> barman@backup",
        "barman@backup -> barman@backup-us",
    }
    assert [passive_copy["target"] for passive_copy in found.topology["passive_copies"]] == ["backup-us", "backup"]


def test_a_passive_node_connects_to_no_postgres():
    found = good({"barman_passive_servers": ["backup-us"]}, more_backup=ZONES["more_backup"])
    assert barman(found, "backup-us")["pgpass"] == []
    assert barman(found, "backup-us")["schedules"] == []
    assert barman(found, "backup-us")["client_versions"] == []
    assert len(postgres(found)["hba_rules"]) == 2


def test_a_passive_node_compresses_as_its_source():
    found = good(
        {"barman_passive_servers": ["backup-us"], "barman_options": {"compression": "gzip"}},
        more_backup={"backup-us": backup("203.0.113.11", barman_global_options={"compression": "bzip2"})},
    )
    assert entry(found, "pg", "backup-us")["options"]["compression"] == "gzip"
    found = good(
        {"barman_passive_servers": ["backup-us"]},
        more_backup={"backup-us": backup("203.0.113.11", barman_global_options={"compression": "bzip2"})},
    )
    assert entry(found, "pg", "backup-us")["options"]["compression"] == "None"
    found = good(
        {"barman_passive_servers": ["backup-us"]},
        {"barman_global_options": {"compression": "gzip"}},
        more_backup=ZONES["more_backup"],
    )
    assert entry(found, "pg", "backup-us")["options"]["compression"] == "gzip"


def test_a_backup_server_replicates_everything_of_another_in_a_chain():
    found = good(
        more_pg={"pg-2": pg("198.51.100.22")},
        more_backup={
            "backup-2": backup("198.51.100.12", barman_passive_of="backup"),
            "backup-3": backup("198.51.100.13", barman_passive_of="backup-2"),
        },
    )
    assert [server["name"] for server in barman(found, "backup-2")["servers"]] == ["pg", "pg-2"]
    assert {server["source"] for server in barman(found, "backup-3")["servers"]} == {"backup-2"}
    assert [barman(found, host)["servers"][0]["hops"] for host in ("backup", "backup-2", "backup-3")] == [0, 1, 2]
    assert connections(found, "backup-3") == ["barman@backup-3 -> barman@backup-2"]
    assert {
        (passive_copy["server"], passive_copy["source"], passive_copy["level"])
        for passive_copy in found.topology["passive_copies"]
    } == {
        ("pg", "backup", "global"),
        ("pg-2", "backup", "global"),
        ("pg", "backup-2", "global"),
        ("pg-2", "backup-2", "global"),
    }


#: Of backups, which a passive node does not take.
COMPRESSED = {"backup_compression": "gzip", "backup_compression_format": "tar"}


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "custom", "custom_compression_filter": "zip -", "custom_decompression_filter": "unzip -"},
        {
            "encryption": "gpg",
            "encryption_key_id": "ops",
            "encryption_passphrase_command": "pass barman",
        },
    ],
)
def test_a_passive_node_gets_all_that_an_option_needs(options: dict[str, str]):
    found = good(
        {"barman_passive_servers": ["backup-us"], "barman_options": {**COMPRESSED, **options}},
        more_backup=ZONES["more_backup"],
    )
    passive_entry = entry(found, "pg", "backup-us")["options"]
    assert {name: passive_entry.get(name) for name in options} == options


def test_a_whole_backup_server_does_not_replicate_what_it_backs_up_itself():
    found = good(
        None,
        None,
        more_pg={"pg-2": pg("198.51.100.22", barman_backup_server="backup-2", barman_passive_servers=["backup"])},
        more_backup={"backup-2": backup("198.51.100.12", barman_passive_of="backup")},
    )
    assert [(server["name"], server["passive"]) for server in barman(found, "backup-2")["servers"]] == [
        ("pg", True),
        ("pg-2", False),
    ]


def test_a_server_declared_on_both_levels_is_replicated_once():
    found = good(
        {"barman_passive_servers": ["backup-2"]},
        more_backup={"backup-2": backup("198.51.100.12", barman_passive_of="backup")},
    )
    assert [passive_copy["level"] for passive_copy in found.topology["passive_copies"]] == ["server"]


def test_a_recovery_can_come_from_every_backup_server_that_has_the_backups():
    found = good({"barman_passive_servers": ["backup-us"]}, more_backup=ZONES["more_backup"])
    assert [connection["from_host"] for connection in found.topology["recovery_ssh_connections"]] == [
        "backup",
        "backup-us",
    ]


def test_block_increments_of_a_passive_node_need_the_clients_tools():
    found = good(
        {"barman_passive_servers": ["backup-us"], "barman_incremental": "block"}, more_backup=ZONES["more_backup"]
    )
    assert barman(found, "backup-us")["client_versions"] == [17]


# --- a standby --------------------------------------------------------------------------------------------------------


def test_backup_from_a_standby():
    found = good(more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2")})
    options = entry(found, "pg-2")["options"]
    assert options["conninfo"].startswith("host=198.51.100.22 ")
    assert options["streaming_conninfo"].startswith("host=198.51.100.22 ")
    assert options["primary_conninfo"].startswith("host=198.51.100.21 ")
    assert options["wal_conninfo"].startswith("host=198.51.100.21 ")
    assert options["wal_streaming_conninfo"] == (
        f"host=198.51.100.21 port=5432 user=streaming_barman sslmode=prefer {LIMITS}"
    )
    assert postgres(found, "pg")["slots"] == ["barman", "barman_2"]
    assert postgres(found, "pg")["settings"]["max_replication_slots"] == {"minimum": 2}
    assert postgres(found, "pg-2")["slots"] == []
    assert postgres(found, "pg-2")["primary"] == "pg"
    assert postgres(found, "pg")["standbys"] == ["pg-2"]
    assert [postgres(found, host)["backed_up_as"] for host in ("pg", "pg-2")] == ["pg", "pg-2"]
    primary_lines = [line for line in barman(found)["pgpass"] if line["address"] == "198.51.100.21"]
    assert {line["host"] for line in primary_lines} == {"pg"}


def test_a_standby_never_has_fewer_senders_than_its_primary():
    found = good(more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2")})
    primary, standby = (postgres(found, host)["settings"]["max_wal_senders"]["minimum"] for host in ("pg", "pg-2"))
    assert standby >= primary


def test_a_primary_that_is_kept_through_its_standby_only():
    found = good(
        {"barman_backup_server": None},
        more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg")},
    )
    assert postgres(found, "pg")["server_name"] is None
    assert postgres(found, "pg")["backed_up_as"] == "pg-2"
    assert postgres(found, "pg")["slots"] == ["barman"]
    assert [rule["databases"] for rule in postgres(found, "pg")["hba_rules"]] == ["postgres", "replication"]
    assert [server["name"] for server in barman(found)["servers"]] == ["pg-2"]


def test_archiving_of_a_standby_comes_from_its_primary():
    found = good(
        {"barman_backup_server": None},
        more_pg={"pg-2": pg("198.51.100.22", barman_primary="pg", barman_wal=["archiving"])},
    )
    assert postgres(found, "pg")["archiving"]["server"] == "pg-2"
    assert postgres(found, "pg-2")["archiving"] is None
    assert connections(found, "pg") == ["postgres@pg -> barman@backup"]
    assert found.requirements["pg"]["ssh_connections"][0]["forced_command"] == "barman put-wal pg-2"


# --- a server that Ansible does not touch -----------------------------------------------------------------------------


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl postgres@orders"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGQvz2Jk8Qn0sYxk8T9yq8N0Z5l5u6qQ3l1h0r8mXw2B root@orders"


def test_without_passwords_no_line_is_about_their_hashes():
    found = good(
        {
            "barman_manage_postgres": False,
            "barman_sslmode": "verify-full",
            "barman_sslrootcert": "/etc/ssl/ca.pem",
            "barman_sslcert": "/etc/ssl/barman.pem",
            "barman_sslkey": "/etc/ssl/barman.key",
            "barman_postgres_password": None,
            "barman_streaming_password": None,
        }
    )
    manual = postgres(found)["manual"]
    assert manual["passwords"] == []
    assert "password_encryption" not in "".join(manual["sql"])


def test_what_a_hand_has_to_do():
    found = good({"barman_manage_postgres": False})
    assert postgres(found)["manage"] is False
    assert postgres(found)["manual"] == {
        "database": "postgres",
        "sql": [
            "CREATE ROLE barman LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION;",
            "CREATE ROLE streaming_barman LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS REPLICATION;",
            "GRANT pg_checkpoint TO barman;",
            "GRANT pg_read_all_settings TO barman;",
            "GRANT pg_read_all_stats TO barman;",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO barman;",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO barman;",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_backup_start(text, boolean) TO barman;",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_backup_stop(boolean) TO barman;",
            "SET password_encryption = 'scram-sha-256';",
        ],
        "passwords": [
            {"role": "barman", "variable": "barman_postgres_password", "psql": "\\password barman"},
            {
                "role": "streaming_barman",
                "variable": "barman_streaming_password",
                "psql": "\\password streaming_barman",
            },
        ],
        "pg_hba": [
            "host   postgres   barman   198.51.100.11/32   scram-sha-256",
            "host   replication   streaming_barman   198.51.100.11/32   scram-sha-256",
        ],
        "settings": [
            "listen_addresses = '*'   # or the address that the backup server reaches",
            "wal_level = replica   # or more",
            "max_wal_senders = 4   # or more",
            "max_replication_slots = 1   # or more",
        ],
        "alter_system": [
            "SELECT 'ALTER SYSTEM SET listen_addresses = ''*''' FROM pg_settings WHERE name = 'listen_addresses' "
            "AND setting IN ('', 'localhost', '127.0.0.1', '::1') \\gexec",
            "SELECT 'ALTER SYSTEM SET wal_level = replica' FROM pg_settings WHERE name = 'wal_level' "
            "AND setting = 'minimal' \\gexec",
            "SELECT 'ALTER SYSTEM SET max_wal_senders = 4' FROM pg_settings WHERE name = 'max_wal_senders' "
            "AND setting::int < 4 \\gexec",
            "SELECT 'ALTER SYSTEM SET max_replication_slots = 1' FROM pg_settings WHERE name = 'max_replication_slots' "
            "AND setting::int < 1 \\gexec",
        ],
        "restart": ["listen_addresses", "wal_level", "max_wal_senders", "max_replication_slots"],
        "dcs": [],
        "packages": [],
        "ssh": [],
    }
    assert found.topology["recovery_ssh_connections"] == []


def test_what_a_hand_has_to_do_for_archiving():
    found = good(
        {
            "barman_manage_postgres": False,
            "barman_wal": ["archiving"],
            "barman_backup_method": "rsync",
            "barman_ssh_public_key": KEY,
        }
    )
    manual = postgres(found)["manual"]
    assert "archive_mode = on" in manual["settings"]
    assert (
        "archive_command = 'barman-wal-archive --user barman 198.51.100.11 pg %p # pgdr.barman archive_timeout=300'   "
        "# needs SSH to barman@198.51.100.11, port 22" in manual["settings"]
    )
    assert (
        "SELECT 'ALTER SYSTEM SET archive_command = ''barman-wal-archive --user barman 198.51.100.11 pg %p # pgdr.barman "
        "archive_timeout=300''' FROM pg_settings WHERE name = 'archive_command' AND (setting IN ('', '(disabled)', 'false') "
        "OR setting LIKE '%# pgdr.barman%') \\gexec" in manual["alter_system"]
    )
    assert manual["restart"] == ["listen_addresses", "wal_level", "archive_mode"]
    assert manual["ssh"] == [
        {
            "purpose": "backup",
            "from": "barman@backup",
            "to": "postgres@198.51.100.21",
            "port": 22,
            "options": 'restrict,from="198.51.100.11/32"',
            "commands": ["mkdir -p -m 700 ~/.ssh", "cat /etc/ssh/ssh_host_ed25519_key.pub"],
            "variable": "barman_ssh_host_key",
            "given": False,
            "file": "~/.ssh/authorized_keys",
            "fact": "ssh_trust_lines.postgres.authorized_keys",
        },
        {
            "purpose": "archiving",
            "from": "postgres@pg",
            "to": "barman@198.51.100.11",
            "port": 22,
            "options": 'restrict,from="198.51.100.21/32",command="barman put-wal pg"',
            "commands": ["ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519", "cat ~/.ssh/id_ed25519.pub"],
            "variable": "barman_ssh_public_key",
            "given": True,
            "file": "~/.ssh/known_hosts",
            "fact": "ssh_trust_lines.postgres.known_hosts",
        },
    ]
    assert manual["packages"] == ["barman-cli", "rsync"]
    assert manual["sql"][1].startswith("GRANT "), "no role for replication, which nothing needs"
    assert [connection.get("public_key") for connection in found.requirements["backup"]["ssh_connections"]] == [
        None,
        KEY,
    ]


@pytest.mark.parametrize(
    ("variables", "packages"),
    [
        ({"barman_wal": ["archiving"]}, ["barman-cli"]),
        ({"barman_wal": ["archiving"], "barman_archive_compression": "lz4"}, ["barman-cli", "python3-lz4"]),
        ({"barman_wal": ["archiving"], "barman_archive_method": "rsync"}, ["rsync"]),
        ({"barman_backup_method": "rsync"}, ["rsync"]),
    ],
)
def test_what_a_hand_has_to_install(variables, packages):
    assert postgres(good({"barman_manage_postgres": False, **variables}))["manual"]["packages"] == packages


def test_the_backup_server_knows_a_host_that_is_not_touched_by_the_inventory():
    found = good({"barman_manage_postgres": False, "barman_backup_method": "rsync", "barman_ssh_host_key": HOST_KEY})
    assert [access["given"] for access in postgres(found)["manual"]["ssh"]] == [True]
    assert [connection["host_key"] for connection in found.requirements["backup"]["ssh_connections"]] == [HOST_KEY]


def test_one_role_for_both_is_made_once():
    found = good(
        {
            "barman_manage_postgres": False,
            "barman_streaming_user": "barman",
            "barman_streaming_password": "management secret",
        }
    )
    manual = postgres(found)["manual"]
    assert [line for line in manual["sql"] if line.startswith("CREATE")] == [
        "CREATE ROLE barman LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS REPLICATION;"
    ]
    assert [line["psql"] for line in manual["passwords"]] == ["\\password barman"]


def test_a_role_with_a_certificate_gets_no_password():
    found = good(
        {
            "barman_manage_postgres": False,
            "barman_postgres_password": None,
            "barman_sslmode": "require",
            "barman_sslcert": "/etc/barman/client.crt",
            "barman_sslkey": "/etc/barman/client.key",
        }
    )
    manual = postgres(found)["manual"]
    assert [line["role"] for line in manual["passwords"]] == ["streaming_barman"]
    assert manual["pg_hba"][0] == "hostssl   postgres   barman   198.51.100.11/32   cert"


def test_on_a_standby_a_hand_makes_no_roles():
    found = good(
        more_pg={
            "pg-2": pg("198.51.100.22", barman_primary="pg", barman_slot_name="barman_2", barman_manage_postgres=False)
        }
    )
    manual = postgres(found, "pg-2")["manual"]
    assert manual["sql"] == []
    assert manual["passwords"] == []
    assert len(manual["pg_hba"]) == 2


# --- many -------------------------------------------------------------------------------------------------------------


def test_a_star_of_versions_and_methods():
    found = good(
        {"barman_postgres_version": 18},
        more_pg={
            "pg-15": pg("198.51.100.22", barman_postgres_version=15, barman_backup_method="rsync"),
            "pg-13": pg("198.51.100.23", barman_postgres_version=13),
        },
    )
    assert barman(found)["client_versions"] == [13, 15, 18]
    assert [server["name"] for server in barman(found)["servers"]] == ["pg", "pg-13", "pg-15"]
    assert "pg_start_backup(text, boolean, boolean)" in postgres(found, "pg-13")["privileges"]["functions"]
    assert entry(found, "pg-13")["options"]["path_prefix"] == "/usr/lib/postgresql/13/bin"


def test_the_work_grows_with_the_servers_and_not_with_their_square(monkeypatch):
    """Counts how often an entry's options are derived: it must not depend on the number of servers."""
    from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import build as build_module
    from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import entries, rules_options

    calls = []
    derive = entries.derived_options

    def counted(*arguments):
        calls.append(1)
        return derive(*arguments)

    monkeypatch.setattr(entries, "derived_options", counted)
    monkeypatch.setattr(rules_options, "derived_options", counted)

    def calls_for(servers):
        calls.clear()
        hosts = {f"pg-{number}": pg(f"10.0.{number // 250}.{number % 250}") for number in range(servers)}
        assert build_module.build(hosts, {"backup": backup()}).problems == []
        return len(calls)

    assert calls_for(100) == 10 * calls_for(10)


def test_resolving_does_not_touch_what_it_was_given():
    variables = pg(barman_options={"compression": "gzip"}, barman_wal=["archiving", "streaming"])
    before = repr(variables)
    resolve({"pg": variables}, {"backup": backup()})
    assert repr(variables) == before


def test_another_user_than_the_packages_has_a_log_of_its_own():
    assert barman(good())["global_options"]["log_file"] == "/var/log/barman/barman.log"
    assert barman(good(None, {"barman_user": "vault"}))["global_options"]["log_file"] == "/var/log/vault/barman.log"
