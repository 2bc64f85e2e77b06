# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing a report on a host."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._publish.run import MARKER, publish

PAGE = f"<!DOCTYPE html>\n<html {MARKER}>\n<p>first</p>\n"


def arguments(path: Path, **changes: Any) -> dict[str, Any]:
    return {"file": str(path), "mode": "0640", "content": PAGE, "validate_only": False, **changes}


def test_a_page_is_written_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert publish(arguments(file), check_mode=True).changed
    assert not file.exists()
    assert publish(arguments(file), check_mode=False).values == {"file": str(file)}
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (PAGE, 0o640)
    assert not publish(arguments(file), check_mode=False).changed
    assert publish(arguments(file, mode="0644", content=PAGE.replace("first", "second")), check_mode=False).changed
    assert ("second" in file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (True, 0o644)


def test_nothing_is_written_if_the_page_is_only_validated(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert not publish(arguments(file, validate_only=True, content=""), check_mode=False).changed
    assert not file.exists()


@pytest.mark.parametrize("validate_only", [True, False])
def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path, validate_only: bool) -> None:
    file = tmp_path / "report.html"
    file.write_text("<p>mine</p>\n")
    with pytest.raises(HostError, match="exists, and this collection did not write it"):
        publish(arguments(file, validate_only=validate_only), check_mode=False)
    assert file.read_text() == "<p>mine</p>\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text(PAGE)
    file = tmp_path / "report.html"
    file.symlink_to(tmp_path / "other")
    with pytest.raises(HostError, match="symbolic link"):
        publish(arguments(file), check_mode=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": "/nowhere/report.html"}, "the directory /nowhere does not exist, or is not writable"),
        ({"mode": "rw"}, "barman_report_mode is 'rw' and no mode"),
        ({"mode": "9644"}, "barman_report_mode is '9644' and no mode"),
    ],
)
def test_what_can_not_be_written_is_an_error_before_anything_else(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(HostError, match=message):
        publish(arguments(tmp_path / "report.html", validate_only=True, **changes), check_mode=False)
