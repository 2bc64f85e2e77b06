# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that draws the architecture on the controller."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.action import picture
from tests.tools.debian import DOT, program
from tests.unit.plugins.action.running import failed_action, run_action
from tests.unit.plugins.plugin_utils._picture.fleets import small, topology_of


@pytest.fixture(autouse=True)
def _graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{program(DOT).parent}:/usr/bin:/bin")


@pytest.fixture
def variables() -> dict[str, Any]:
    return {"barman_topology": {"topology": topology_of(*small()), "requirements": {}}}


def test_it_writes_a_picture_once(tmp_path: Path, variables: dict[str, Any]) -> None:
    file = tmp_path / "architecture.svg"
    preview = run_action(picture, variables, check_mode=True, file=str(file))
    assert preview["changed"] is True
    assert not file.exists()
    written = run_action(picture, variables, file=str(file))
    assert (written["changed"], written["file"]) == (True, str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert written["description"] in file.read_text().replace("&#x27;", "'")
    assert run_action(picture, variables, file=str(file))["changed"] is False


def test_the_diff_has_sentences(tmp_path: Path, variables: dict[str, Any]) -> None:
    file = tmp_path / "architecture.svg"
    run_action(picture, variables, file=str(file))
    variables["barman_topology"]["topology"]["passive_copies"] = []
    changed = run_action(picture, variables, check_mode=True, file=str(file), title="All")
    before, after = (set(changed["diff"][name].splitlines()) for name in ("before", "after"))
    assert "From backup-eu to backup-us: passive copy over SSH, 2 servers." in before - after
    assert "All" in after - before


def test_the_theme_can_be_fixed(tmp_path: Path, variables: dict[str, Any]) -> None:
    file = tmp_path / "architecture.svg"
    run_action(picture, variables, file=str(file), theme="dark")
    assert "prefers-color-scheme" not in file.read_text()
    assert run_action(picture, variables, file=str(file), theme="auto")["changed"] is True


def test_it_replaces_no_file_of_somebody_else(tmp_path: Path, variables: dict[str, Any]) -> None:
    file = tmp_path / "architecture.svg"
    file.write_text("<svg/>\n")
    message, _result = failed_action(picture, variables, file=str(file))
    assert message == (
        f"{file} exists, and this collection did not write it. Nothing was changed. Move the file, or name another one with barman_picture_file."
    )
    assert file.read_text() == "<svg/>\n"


def test_a_controller_without_graphviz(
    tmp_path: Path, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    message, _result = failed_action(picture, variables, file=str(tmp_path / "architecture.svg"))
    assert message.startswith("The program dot of Graphviz is not on the controller")
    assert list(tmp_path.iterdir()) == []


def test_graphviz_that_fails(tmp_path: Path, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\necho no memory >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    message, _result = failed_action(picture, variables, file=str(tmp_path / "architecture.svg"))
    assert message == f"{fake} did not draw the picture: no memory. Nothing was changed."


def test_a_directory_that_does_not_exist(tmp_path: Path, variables: dict[str, Any]) -> None:
    message, _result = failed_action(picture, variables, file=str(tmp_path / "no/x.svg"))
    assert f"the directory {tmp_path}/no does not exist on the controller" in message
