# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server of a host is the declared one: the decision, from values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster import (
    Cluster,
    DebianCluster,
    DeclaredCluster,
    DirectoryContents,
    ObservedHost,
    RunningServer,
    Unit,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_conflicts import (
    conflicts,
    in_use_problems,
    system_problems,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_identification import identify
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.control_file import ControlFile

MAIN = RunningServer(
    pid=100,
    data_directory="/var/lib/postgresql/17/main",
    port=5432,
    socket_directory="/var/run/postgresql",
    listen_address="*",
    version=17,
    unit="postgresql@17-main.service",
    config_file="/etc/postgresql/17/main/postgresql.conf",
    bin_directory="/usr/lib/postgresql/17/bin",
    owner="postgres",
)
PROD = replace(
    MAIN,
    pid=200,
    data_directory="/var/lib/postgresql/17/prod",
    port=5433,
    unit="postgresql@17-prod.service",
    config_file="/etc/postgresql/17/prod/postgresql.conf",
    tablespaces=("/srv/ts",),
    tablespace_directories=("/srv/ts/PG_17_202406281",),
)
MAIN_CLUSTER = DebianCluster(17, "main", 5432, MAIN.data_directory, "/etc/postgresql/17/main", "/var/run/postgresql")
PROD_CLUSTER = DebianCluster(17, "prod", 5433, PROD.data_directory, "/etc/postgresql/17/prod", "/var/run/postgresql")
BOTH = ObservedHost(running=(MAIN, PROD), clusters=(MAIN_CLUSTER, PROD_CLUSTER))
STOPPED = ObservedHost(clusters=(MAIN_CLUSTER, PROD_CLUSTER))


def found(declared: DeclaredCluster, observed: ObservedHost) -> Cluster:
    result = identify(declared, observed)
    assert result.problems == ()
    assert result.cluster is not None
    return result.cluster


def problems(declared: DeclaredCluster, observed: ObservedHost) -> tuple[str, ...]:
    result = identify(declared, observed)
    assert result.cluster is None
    assert result.problems
    return result.problems


@pytest.mark.parametrize("observed", [BOTH, STOPPED], ids=["running", "stopped"])
def test_the_port_decides_and_not_the_name_main(observed: ObservedHost) -> None:
    cluster = found(DeclaredCluster(5433, version=17), observed)
    assert (cluster.cluster, cluster.service) == ("prod", "postgresql@17-prod.service")
    assert cluster.data_directory == "/var/lib/postgresql/17/prod"
    assert cluster.config_file == "/etc/postgresql/17/prod/postgresql.conf"
    assert cluster.running == (observed is BOTH)


@pytest.mark.parametrize("observed", [BOTH, STOPPED], ids=["running", "stopped"])
def test_every_difference_is_reported_at_once(observed: ObservedHost) -> None:
    declared = DeclaredCluster(5433, 16, "main", "postgresql@17-main.service", "/var/lib/postgresql/17/main")
    unit = Unit("postgresql@17-main.service", loaded=True)
    problem = problems(declared, replace(observed, declared_unit=unit))
    assert [text.partition(":")[0] for text in problem] == ["version", "cluster", "service", "data_directory"]
    assert all("5433" in text and "/var/lib/postgresql/17/prod" in text for text in problem)


def test_an_alias_of_the_unit_is_the_unit() -> None:
    declared = DeclaredCluster(5433, service="database.service")
    observed = replace(BOTH, declared_unit=Unit("postgresql@17-prod.service", loaded=True))
    assert found(declared, observed).service == "postgresql@17-prod.service"


def test_a_unit_that_does_not_exist() -> None:
    declared = DeclaredCluster(5433, service="postgres.service")
    (problem,) = problems(declared, replace(BOTH, declared_unit=Unit("postgres.service", loaded=False)))
    assert "no unit postgres.service" in problem


def test_a_port_that_nobody_has() -> None:
    (problem,) = problems(DeclaredCluster(5434, version=17), BOTH)
    assert "17/main on port 5432, 17/prod on port 5433" in problem
    assert "pg_createcluster --port 5434 17 NAME" in problem
    assert "install PostgreSQL's server package postgresql-17" in problem


def test_a_server_that_no_unit_runs() -> None:
    (problem,) = problems(DeclaredCluster(5433), replace(BOTH, running=(MAIN, replace(PROD, unit=None))))
    assert "pg_ctl -D /var/lib/postgresql/17/prod stop" in problem
    assert "start it with postgresql@17-prod.service" in problem


def test_a_server_in_a_container() -> None:
    (problem,) = problems(DeclaredCluster(5433), replace(BOTH, running=(MAIN, replace(PROD, foreign=True))))
    assert "as in a container" in problem


def test_a_verify_recovery_on_the_same_port_is_not_meant() -> None:
    private = replace(PROD, pid=300, data_directory="/srv/x", socket_directory="/tmp/pgdr-x", listen_address="")
    assert found(DeclaredCluster(5433), replace(BOTH, running=(private, PROD))).pid == 200
    # Nor is it found in the place of a server that is down.
    assert not found(DeclaredCluster(5433), replace(STOPPED, running=(private,))).running


def test_two_servers_on_one_port() -> None:
    other = replace(PROD, pid=300, data_directory="/srv/other", unit="other.service", listen_address="192.0.2.1")
    observed = replace(BOTH, running=(PROD, other))
    (problem,) = problems(DeclaredCluster(5433), observed)
    assert "process 200 with /var/lib/postgresql/17/prod; process 300 with /srv/other" in problem
    assert found(DeclaredCluster(5433, cluster="prod"), observed).pid == 200


def test_a_port_that_was_changed_and_not_restarted() -> None:
    (problem,) = problems(
        DeclaredCluster(5434), replace(BOTH, clusters=(MAIN_CLUSTER, replace(PROD_CLUSTER, port=5434)))
    )
    assert "configured for port 5434, and runs on port 5433 now" in problem


def test_a_proof_that_a_killed_run_left_is_no_server_on_another_port() -> None:
    proof = replace(
        PROD, pid=300, port=5432, socket_directory="/tmp/pgdr-recovery-test-x", listen_address="", unit=None
    )
    (problem,) = problems(DeclaredCluster(5433), replace(STOPPED, running=(proof,)))
    assert "the verification of a killed recovery still runs there (process 300, an isolated server)" in problem
    assert "barman_postgres_port" not in problem


def test_a_server_whose_directory_was_removed_is_found_by_its_configuration() -> None:
    removed = replace(PROD, port=None, socket_directory="", listen_address="")
    assert found(DeclaredCluster(5433), replace(BOTH, running=(MAIN, removed))).service == "postgresql@17-prod.service"


def test_without_pg_lsclusters() -> None:
    units = (
        Unit("postgresql-17.service", loaded=True, data_directory="/var/lib/pgsql/17/data", port=5432),
        Unit("postgresql.service", loaded=False),
    )
    cluster = found(DeclaredCluster(5432, 17, cluster="main"), ObservedHost(units=units))
    assert (cluster.service, cluster.data_directory) == ("postgresql-17.service", "/var/lib/pgsql/17/data")
    (problem,) = problems(DeclaredCluster(5433, 17), ObservedHost(units=units))
    assert "unit postgresql-17.service (/var/lib/pgsql/17/data)" in problem


def test_a_unit_without_a_data_directory() -> None:
    observed = ObservedHost(declared_unit=Unit("own.service", loaded=True))
    cluster = found(DeclaredCluster(5432, service="own.service", data_directory="/data/pg"), observed)
    assert (cluster.service, cluster.data_directory) == ("own.service", "/data/pg")


CLUSTER = Cluster(5433, "/var/lib/postgresql/17/prod", "postgresql@17-prod.service", pid=200)
CONTROL = ControlFile(7710, 0, 0, 1)


@pytest.mark.parametrize(
    ("contents", "replaces", "expected"),
    [
        (DirectoryContents(), None, ""),
        (DirectoryContents(("base",), 17, CONTROL), None, ""),
        (DirectoryContents(("base",), 17, replace(CONTROL, system_identifier=42)), None, "replace_system=42"),
        (DirectoryContents(("base",), 17, replace(CONTROL, system_identifier=42)), "43", "replace_system=42"),
        (DirectoryContents(("base",), 17, replace(CONTROL, system_identifier=42)), "unknown", "replace_system=42"),
        (DirectoryContents(("base",), 17, replace(CONTROL, system_identifier=42)), "42", ""),
        (DirectoryContents(("base",), 17), None, "replace_system=unknown"),
        (DirectoryContents(("base",), 17), "42", "replace_system=unknown"),
        (DirectoryContents(("base",), 17), "unknown", ""),
    ],
)
def test_another_system_has_to_be_named(contents: DirectoryContents, replaces: str | None, expected: str) -> None:
    problem = "\n".join(system_problems(CLUSTER, contents, "7710", replaces))
    assert bool(problem) == bool(expected)
    assert expected in problem


def test_a_directory_of_another_running_server() -> None:
    cluster = replace(CLUSTER, data_directory=MAIN.data_directory, pid=100)
    (problem,) = in_use_problems(cluster, BOTH, ["/srv/free", MAIN.data_directory], ["/srv/ts"], 17)
    assert "/srv/ts can't be moved or filled: the running PostgreSQL server in /var/lib/postgresql/17/prod" in problem
    assert in_use_problems(CLUSTER, BOTH, [PROD.data_directory], ["/srv/ts"], 17) == []
    # Its own directory in a location that versions share.
    assert in_use_problems(cluster, BOTH, [], ["/srv/ts"], 16) == []


@pytest.mark.parametrize(
    ("path", "used", "version", "expected"),
    [
        ("/srv/ts", "/srv/ts/PG_17_2024", None, True),
        ("/srv/ts", "/srv/ts/PG_17_2024", 17, True),
        ("/srv/ts", "/srv/ts/PG_16_2023", 17, False),
        ("/srv/ts", "/srv/ts/data", 17, True),
        ("/srv", "/srv/ts/PG_16_2023", 17, True),
        ("/srv/ts/x", "/srv/ts", 17, True),
        ("/srv/ts2", "/srv/ts", 17, False),
    ],
)
def test_conflicts(path: str, used: str, version: int | None, expected: bool) -> None:
    assert conflicts(path, used, version) is expected
