# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cluster manager owns a data directory: each combination of what is observed, and the script with real processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import run
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_manager import (
    ObservedDirectory,
    ObservedProcess,
    configured_directories,
    configured_scope,
    manager_kind,
    owner_of,
    refusal,
)
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.cluster_manager_script import (
    observe_processes,
    observed_directory,
)

DATA = ObservedDirectory("/var/lib/postgresql/17/main", "8:1")
OTHER = ObservedDirectory("/var/lib/postgresql/17/other", "8:2")
FILE = "/etc/patroni/17-main.yml"
BY_PATRONI = ("postgres", "-D", DATA.path, "--cluster_name=17-main", "--wal_level=replica")
PATRONI_UNIT = "patroni@17-main.service"


def patroni(**more: Any) -> ObservedProcess:
    values: dict[str, Any] = {"pid": 10, "arguments": ("/usr/bin/python3", "/usr/bin/patroni", FILE), **more}
    return ObservedProcess(**values)


def repmgrd(**more: Any) -> ObservedProcess:
    values: dict[str, Any] = {"pid": 11, "arguments": ("/usr/bin/repmgrd", "-f", "/etc/repmgr.conf"), **more}
    return ObservedProcess(**values)


def postmaster(**more: Any) -> ObservedProcess:
    values: dict[str, Any] = {"pid": 12, "arguments": ("postgres", "-D", DATA.path), "directory": DATA, **more}
    return ObservedProcess(**values)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("/usr/bin/patroni", FILE), "patroni"),
        (("/usr/bin/python3", "/usr/bin/patroni", FILE), "patroni"),
        (("/opt/venv/bin/python3.11", "-u", "/opt/venv/bin/patroni", FILE), "patroni"),
        (("python3", "-m", "patroni", FILE), "patroni"),
        (("/usr/bin/repmgrd", "-f", "/etc/repmgr.conf"), "repmgr"),
        (("/usr/lib/postgresql/17/bin/repmgrd",), "repmgr"),
        (("/usr/bin/python3", "/usr/bin/patronictl", "-c", FILE, "list"), None),
        (("vim", FILE), None),
        (("grep", "patroni"), None),
        (("python3", "-c", "import patroni"), None),
        (("repmgr", "node", "check"), None),
        (("python3", "-m"), None),
        (("python3",), None),
        ((), None),
    ],
)
def test_a_manager_is_known_by_the_program_that_runs(arguments: tuple[str, ...], expected: str | None) -> None:
    assert manager_kind(ObservedProcess(1, arguments)) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("patroni.service", "patroni"),
        (PATRONI_UNIT, "patroni"),
        ("repmgrd.service", "repmgr"),
        ("repmgr-17.service", "repmgr"),
        ("patroni-exporter.service", None),
    ],
)
def test_an_active_unit_is_known_by_its_name(unit: str, expected: str | None) -> None:
    assert manager_kind(ObservedProcess(0, ("/usr/bin/anything",), unit=unit)) == expected


@pytest.mark.parametrize(
    ("processes", "kind"),
    [
        pytest.param([patroni(configured=(DATA,))], "patroni", id="Patroni's configuration names it"),
        pytest.param([patroni(configured=(ObservedDirectory(DATA.path),))], "patroni", id="the same path"),
        pytest.param([patroni(configured=(ObservedDirectory("/srv/link", "8:1"),))], "patroni", id="through a link"),
        pytest.param([patroni(configured=(ObservedDirectory(DATA.path + "/.."),))], "patroni", id="it is inside"),
        pytest.param([patroni(pid=0, unit=PATRONI_UNIT, configured=(DATA,))], "patroni", id="a unit that is starting"),
        pytest.param([postmaster(arguments=BY_PATRONI)], "patroni", id="the postmaster's arguments, Patroni is down"),
        pytest.param([postmaster(unit=PATRONI_UNIT)], "patroni", id="the postmaster runs in Patroni's unit"),
        pytest.param([repmgrd(configured=(DATA,))], "repmgr", id="repmgrd's configuration names it"),
        pytest.param([patroni(configured=(DATA,), foreign=True)], "patroni", id="a container with the same directory"),
        pytest.param([], None, id="nothing runs"),
        pytest.param([patroni(configured=(OTHER,))], None, id="Patroni of another cluster"),
        pytest.param([repmgrd(configured=(OTHER,))], None, id="repmgrd of another cluster"),
        pytest.param([postmaster()], None, id="a postmaster that systemd started"),
        pytest.param(
            [postmaster(arguments=(*BY_PATRONI[:3], "--cluster_name=main"))], None, id="cluster_name alone, of a person"
        ),
        pytest.param([postmaster(arguments=BY_PATRONI, directory=OTHER)], None, id="Patroni's postmaster elsewhere"),
        pytest.param(
            [patroni(configured=(ObservedDirectory(DATA.path, "9:9"),), foreign=True)], None, id="a container's own"
        ),
    ],
)
def test_the_owner_of_a_data_directory(processes: list[ObservedProcess], kind: str | None) -> None:
    for occupied in (True, False):
        manager = owner_of(DATA, processes, occupied=occupied)
        assert (None if manager is None else manager.kind) == kind
        assert manager is None or manager.certain


def test_a_manager_whose_data_directory_cannot_be_read_owns_only_what_has_data() -> None:
    for unknown in (patroni(), repmgrd()):
        manager = owner_of(DATA, [unknown], occupied=True)
        assert manager is not None
        assert not manager.certain
        assert "may belong to" in refusal(manager, DATA.path)
        assert owner_of(DATA, [unknown], occupied=False) is None


def test_a_manager_whose_data_directory_cannot_be_read_may_be_known_by_its_server() -> None:
    elsewhere = postmaster(arguments=BY_PATRONI, directory=OTHER, unit=PATRONI_UNIT)
    assert owner_of(DATA, [patroni(unit=PATRONI_UNIT), elsewhere], occupied=True) is None
    assert owner_of(DATA, [patroni(unit="patroni@17-third.service"), elsewhere], occupied=True) is not None
    assert owner_of(DATA, [patroni(foreign=True)], occupied=True) is None


def test_the_refusal_has_the_steps_of_the_manager() -> None:
    owner = owner_of(DATA, [patroni(configured=(DATA,), configuration=FILE, scope="17-main")], occupied=True)
    assert owner is not None
    text = refusal(owner, DATA.path)
    assert f"{DATA.path} belongs to the cluster manager Patroni (process 10, {FILE})" in text
    assert "bootstrap method" in text
    assert f"'patronictl -c {FILE} remove 17-main'" in text
    owner = owner_of(DATA, [repmgrd(configured=(DATA,), configuration="/etc/r.conf")], occupied=True)
    assert owner is not None
    text = refusal(owner, DATA.path)
    assert "repmgr -f /etc/r.conf service pause" in text
    assert "primary register --force" in text
    owner = owner_of(DATA, [postmaster(arguments=BY_PATRONI)], occupied=True)
    assert owner is not None
    assert "remove 17-main'" in refusal(owner, DATA.path)


def test_data_directories_of_configurations() -> None:
    yaml = ["scope: 'a-b'", "postgresql:", '  data_dir: "/srv/a b" # there', "  # data_dir: /no", "  bin_dir: /x"]
    assert configured_directories("patroni", yaml) == ["/srv/a b"]
    assert configured_scope(yaml) == "a-b"
    flow = ["{scope: main, postgresql: {data_dir: /srv/main, listen: '*:5432'}}"]
    assert (configured_directories("patroni", flow), configured_scope(flow)) == (["/srv/main"], "main")
    assert configured_directories("patroni", ["PATRONI_POSTGRESQL_DATA_DIR=/srv/e"]) == ["/srv/e"]
    assert configured_directories("repmgr", ["data_directory='/srv/r'", "#data_directory='/no'"]) == ["/srv/r"]
    assert configured_directories("repmgr", ["data_directory = /srv/r # it"]) == ["/srv/r"]


@contextmanager
def running(*arguments: str, **more: Any) -> Iterator[int]:
    with subprocess.Popen(arguments, **more) as process:
        try:
            # The name of the process is the program's only after exec.
            for _attempt in range(200):
                if Path(f"/proc/{process.pid}/comm").read_text().startswith(Path(arguments[0]).name[:15]):
                    break
                time.sleep(0.01)
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "PG_VERSION").write_text("17\n")
    # A restored copy has these files of Patroni.
    (directory / "patroni.dynamic.json").write_text("{}")
    (directory / "postgresql.base.conf").write_text("")
    return directory


def program(tmp_path: Path, name: str) -> str:
    path = tmp_path / name
    path.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n")
    path.chmod(0o755)
    return str(path)


def owner_here(directory: Path) -> Any:
    return owner_of(observed_directory(str(directory)), observe_processes(run), occupied=True)


def test_the_script_finds_a_running_patroni_by_its_configuration(tmp_path: Path, data: Path) -> None:
    configuration = tmp_path / "p.yml"
    configuration.write_text(f"scope: main\npostgresql:\n  data_dir: {data}\n  password: secret\n")
    assert owner_here(data) is None
    with running(program(tmp_path, "patroni"), str(configuration)) as pid:
        found = owner_here(data)
        assert (found.kind, found.evidence) == ("patroni", f"process {pid}")
        assert (found.configuration, found.cluster, found.certain) == (str(configuration), "main", True)
        assert owner_here(tmp_path / "elsewhere") is None
    assert owner_here(data) is None


def test_the_script_finds_patroni_by_its_environment(tmp_path: Path, data: Path) -> None:
    with running(program(tmp_path, "patroni"), env={"PATRONI_POSTGRESQL_DATA_DIR": str(data)}):
        assert owner_here(data).certain


def test_the_script_finds_repmgrd(tmp_path: Path, data: Path) -> None:
    configuration = tmp_path / "repmgr.conf"
    configuration.write_text(f"node_id=1\ndata_directory='{data}'\n")
    shutil.copy("/usr/bin/tail", tmp_path / "repmgrd")
    with running(str(tmp_path / "repmgrd"), "-f", "repmgr.conf", cwd=tmp_path, stdout=subprocess.DEVNULL):
        found = owner_here(data)
        assert (found.kind, found.configuration) == ("repmgr", str(tmp_path / "repmgr.conf"))


def test_the_script_finds_the_postmaster_that_patroni_started(tmp_path: Path, data: Path) -> None:
    shutil.copy("/usr/bin/tail", tmp_path / "postgres")
    arguments = (str(tmp_path / "postgres"), "-f", "--", "PG_VERSION", "--cluster_name=main", "--wal_level=replica")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(*arguments, cwd=data, **quiet) as pid:
        (data / "postmaster.pid").write_text(f"{pid}\n")
        found = owner_here(data)
        assert (found.kind, found.cluster) == ("patroni", "main")
        assert found.evidence == f"started PostgreSQL, process {pid}"


def test_the_script_reports_no_secret_of_a_configuration(tmp_path: Path, data: Path) -> None:
    configuration = tmp_path / "p.yml"
    configuration.write_text(f"postgresql:\n  data_dir: {data}\n  authentication:\n    password: opensesame\n")
    outputs: list[str] = []

    def recording(command: Any) -> Any:
        completed = run(command)
        outputs.append(completed.stdout)
        return completed

    with running(program(tmp_path, "patroni"), str(configuration)):
        observe_processes(recording)
    assert str(data) in outputs[0]
    assert "opensesame" not in outputs[0]
