# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role pg shows what earlier recoveries left beside the data directory, until somebody removes the record."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._recover.recovery_record import (
    SUFFIX,
    Content,
    Move,
    Phase,
    Record,
)
from tests.conftest import REPOSITORY
from tests.unit.playing import play

RUN = "20261120T083000Z-f3a9c1"


def deployed(root: Path) -> str:
    """What the role shows of a server with its data in root/data."""
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.include_vars": str(REPOSITORY / "roles/pg/vars/main.yml")},
        {"ansible.builtin.include_tasks": str(REPOSITORY / "roles/pg/tasks/recovered.yml")},
    ]
    state = {"data_directory": str(root / "data"), "recovery_recorded": True}
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "__pg_compared": {"query_result": [state]},
    }
    (root / "inventory.json").write_text(json.dumps({"all": {"hosts": {"pg": host}}}))
    (root / "play.json").write_text(json.dumps([{"hosts": "pg", "gather_facts": False, "tasks": tasks}]))
    return play(root, "-i", "inventory.json", "play.json")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A recovery that went well; the old directory is still there."""
    data, old = tmp_path / "data", tmp_path / "data.20261120T083000Z"
    data.mkdir()
    old.mkdir()
    recorded = Record(
        data_directory=str(data),
        service="postgresql@17-main",
        run=RUN,
        server="pg",
        backup_id="20261120T070150",
        target="end",
        started="2026-11-20T08:30:00+00:00",
        phase=Phase.FINISHED,
        moves=(Move(str(data), str(old), RUN),),
        before=Content.ORIGINAL,
    )
    path = tmp_path / ("data" + SUFFIX)
    path.write_text(json.dumps(recorded.as_dict()))
    return path


def test_a_deployment_shows_where_the_old_data_is(tmp_path: Path, record: Path) -> None:
    stdout = deployed(tmp_path)
    assert (
        f"WARNING: pg: an earlier recovery left this. What was in {tmp_path}/data is in {tmp_path}/data.2026" in stdout
    )
    assert f"This is recorded in {record}; remove that file when nobody needs it any more." in stdout
    # It only reads.
    assert record.exists()


def test_a_record_of_nothing_that_is_left_is_not_shown(tmp_path: Path, record: Path) -> None:
    (tmp_path / "data.20261120T083000Z").rmdir()
    assert "WARNING: pg" not in deployed(tmp_path)
    record.unlink()
    assert "WARNING: pg" not in deployed(tmp_path)


def test_a_record_that_cannot_be_read_is_a_warning(tmp_path: Path, record: Path) -> None:
    record.write_text("{")
    assert "WARNING: pg" in deployed(tmp_path)
