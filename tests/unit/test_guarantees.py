# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/guarantees.md: each line names a test, and each test that is named exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "guarantees.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_STEP = re.compile(r"scenario `(\w+)`(?:, (?:step )?`([\w/.-]+)`)?")


def rows() -> list[list[str]]:
    """The table rows' cells, without heads."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "what is guaranteed" and not set("".join(row)) <= set("-| ")]


def test_there_are_guarantees() -> None:
    assert rows()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_each_guarantee_names_tests_that_exist(row: list[str]) -> None:
    assert len(row) == 3, row
    tests, steps = _TEST.findall(row[2]), _STEP.findall(row[2])
    assert tests or steps, "no test is named as `tests/….py::test_…`, nor a step as: scenario `name`, `file`"
    for path, name in tests:
        assert f"def {name}(" in (REPOSITORY / path).read_text(encoding="utf-8"), f"{path} has no {name}"
    for scenario, step in steps:
        directory: Path = REPOSITORY / "extensions" / "molecule" / scenario
        assert (directory / "molecule.yml").is_file(), f"no scenario {scenario}"
        assert not step or (directory / step).is_file(), f"scenario {scenario} has no {step}"
