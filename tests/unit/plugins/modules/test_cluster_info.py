# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module cluster_info: what it returns of a host, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._cluster_info.run import cluster_facts
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_record import Move, Phase, Record
from ansible_collections.pgdr.barman.plugins.modules import cluster_info as module
from tests.unit.plugins.module_utils._postgres.test_cluster_observation import SYSTEM, FakeHost, cluster_row
from tests.unit.plugins.modules.running import run_main


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    made = FakeHost(tmp_path)
    for name, port, pid in (("main", 5432, 100), ("prod", 5433, 200)):
        directory = made.directory(name, tablespace="ts" if name == "prod" else None)
        made.start(pid, directory, port, f"0::/system.slice/postgresql@17-{name}.service\n")
        assert made.clusters is not None
        made.clusters.append(cluster_row(name, port, directory))
    made.settings = {"hba_file": "/etc/postgresql/17/prod/pg_hba.conf"}
    return made


def ask(host: FakeHost, **params: Any) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in module.ARGUMENTS.items()}
    return cluster_facts({**defaults, **params}, host.run, str(host.proc))


def test_a_server_by_its_port(host: FakeHost) -> None:
    result = ask(host, port=5433)
    cluster = result["cluster"]
    assert (cluster["cluster"], cluster["service"], cluster["pid"]) == ("prod", "postgresql@17-prod.service", 200)
    assert (cluster["system_identifier"], cluster["timeline"], cluster["empty"]) == (str(SYSTEM), 3, False)
    assert cluster["hba_file"] == "/etc/postgresql/17/prod/pg_hba.conf"
    assert cluster["tablespaces"] == [str(host.root / "ts")]
    assert result["directories_in_use"] == sorted(
        str(host.root / one) for one in ("main", "prod", "ts/PG_17_202406281")
    )
    assert "pending_restart" not in result


def test_what_is_declared_is_compared(host: FakeHost) -> None:
    with pytest.raises(HostError, match="barman_postgres_cluster is main"):
        ask(host, port=5433, cluster="main")


def patroni(host: FakeHost, directory: str) -> str:
    """Start Patroni for a data directory; the path of its configuration."""
    configuration = host.root / "patroni.yml"
    configuration.write_text(f"scope: 17-prod\npostgresql:\n  data_dir: {directory}\n  password: secret\n")
    arguments = ["/usr/bin/python3", "/usr/bin/patroni", str(configuration)]
    host.process(500, 1, host.root, "\0".join(arguments) + "\0", "0::/", comm="patroni")
    (host.proc / "500" / "root").symlink_to("/")
    return str(configuration)


def test_the_cluster_manager_is_returned_and_refused_on_request(host: FakeHost) -> None:
    configuration = patroni(host, str(host.root / "prod"))
    manager = ask(host, port=5433)["cluster"]["manager"]
    assert manager == {
        "kind": "patroni",
        "evidence": "process 500",
        "configuration": configuration,
        "cluster": "17-prod",
        "certain": True,
    }
    with pytest.raises(HostError) as caught:
        ask(host, port=5433, refuse_managed=True)
    assert "belongs to the cluster manager Patroni (process 500, " in str(caught.value)
    assert f"patronictl -c {configuration} remove 17-prod" in str(caught.value)
    assert ask(host, port=5432, refuse_managed=True)["cluster"]["manager"] is None


def test_a_server_that_only_its_manager_runs_is_refused_with_the_manager_s_steps(host: FakeHost) -> None:
    """Its unit is Patroni's, so PostgreSQL's own unit does not run it. That is not the reason to report."""
    patroni(host, str(host.root / "prod"))
    host.units["postgresql@17-prod.service"] = "Id=postgresql@17-prod.service\nLoadState=loaded\nMainPID=0\n"
    with pytest.raises(HostError, match="no systemd unit runs it"):
        ask(host, port=5433)
    with pytest.raises(HostError, match="belongs to the cluster manager Patroni"):
        ask(host, port=5433, refuse_managed=True)


def test_another_system_and_directories_in_use_at_once(host: FakeHost) -> None:
    asked = {
        "port": 5432,
        "system_identifier": "42",
        "directories": [str(host.root / "main")],
        "tablespaces": [str(host.root / "ts")],
    }
    with pytest.raises(HostError) as caught:
        ask(host, **asked)
    assert f"barman_recover_replace_system={SYSTEM}" in str(caught.value)
    assert "ts can't be moved or filled" in str(caught.value)
    ask(host, port=5432, system_identifier="42", replace_system=str(SYSTEM), directories=[str(host.root / "main")])


def test_a_restore_that_failed_half_way_may_be_replaced_by_the_next_one(host: FakeHost) -> None:
    """The same command again has to work: the record says whose it is."""
    data, old = host.directory("late"), host.root / "late.20261120T083000Z"
    (data / "global" / "pg_control").unlink()
    assert host.clusters is not None
    host.clusters.append(cluster_row("late", 5440, data))
    with pytest.raises(HostError, match="so its origin is unknown"):
        ask(host, port=5440, system_identifier="42")
    old.mkdir()
    recorded = Record(
        data_directory=str(data),
        service="postgresql@17-late.service",
        run="20261120T083000Z-f3a9c1",
        server="late",
        backup_id="20261120T070150",
        target="end",
        started="2026-11-20T08:30:00+00:00",
        phase=Phase.RESTORING,
        moves=(Move(str(data), str(old), "20261120T083000Z-f3a9c1"),),
    )
    Path(f"{data}.pgdr-recovery.json").write_text(json.dumps(recorded.as_dict()))
    assert not ask(host, port=5440, system_identifier="42")["cluster"]["running"]
    # One that is about to begin has moved and restored nothing.
    old.rmdir()
    with pytest.raises(HostError, match="so its origin is unknown"):
        ask(host, port=5440, system_identifier="42")


def test_only_root_can_look(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "become: true" in run_main(module.main, capsys, port=5432)["msg"]
