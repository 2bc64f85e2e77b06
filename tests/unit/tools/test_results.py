# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results in a file and on a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.alerts import report as alerts
from tests.bench import report as bench
from tests.conftest import REPOSITORY
from tests.matrix import report as matrix
from tests.tools.results import INTERRUPTED, PageSection, ResultsFile, exit_status

SECTION = PageSection("counts", "tests.counts", "docs/page.md")


def test_a_table_replaces_the_former_one() -> None:
    page = f"before\n{SECTION.begin}\nold\n{SECTION.end}\nafter\n"
    once = SECTION.put(page, "new\n")
    assert once == (
        "before\n<!-- counts: begin (python -m tests.counts --output docs/page.md) -->\n\nnew\n\n<!-- counts: end -->\nafter\n"
    )
    assert SECTION.put(once, "new\n") == once
    with pytest.raises(ValueError, match="no lines"):
        SECTION.put("before\nafter\n", "new\n")


def test_no_page_is_no_error(tmp_path: Path) -> None:
    SECTION.write(None, "new\n")
    page = tmp_path / "page.md"
    page.write_text(f"{SECTION.begin}\n{SECTION.end}\n")
    SECTION.write(page, "new\n")
    assert "\nnew\n" in page.read_text()


@pytest.mark.parametrize("section", [matrix.SECTION, alerts.SECTION, bench.SECTION])
def test_each_section_has_its_place(section: PageSection) -> None:
    page = (REPOSITORY / section.page).read_text(encoding="utf-8")
    assert page.count(section.begin) == page.count(section.end) == 1


def test_the_results_of_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('["a", "é"]')
    file: ResultsFile[list[str]] = ResultsFile(path, list, sorted, lambda before, now: before + now)
    assert file.save(["b"]) == ["a", "é", "b"]
    assert json.loads(path.read_text(encoding="utf-8")) == ["a", "b", "é"]
    assert path.read_text(encoding="utf-8").endswith('"é"\n]\n')


def test_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    def raises(error: BaseException) -> bool:
        raise error

    assert exit_status("counts", lambda: True) == 0
    assert exit_status("counts", lambda: False) == 1
    assert capsys.readouterr().err == ""
    assert exit_status("counts", lambda: raises(ValueError("no machine")), ValueError) == 1
    assert exit_status("counts", lambda: raises(KeyboardInterrupt()), ValueError) == INTERRUPTED
    assert capsys.readouterr().err == "counts: no machine\ncounts: interrupted\n"
    with pytest.raises(KeyError):
        exit_status("counts", lambda: raises(KeyError("x")), ValueError)
