# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the ledgers have of drills: the forecast, and the document for auditors."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman.ledger import (
    Ledger,
    LedgerRecord,
    new_record,
    parse_ledger,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.server import Server
from ansible_collections.pgdr.barman.plugins.module_utils._drill.evidence import html_document, markdown
from ansible_collections.pgdr.barman.plugins.module_utils._drill.forecast import (
    MeasuredDrill,
    RestoredBytes,
    forecast,
    line,
    measured,
)
from ansible_collections.pgdr.barman.plugins.module_utils._drill.information import current_size, server_facts
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
GIB = 1 << 30


def drilled(size: int = GIB, *, passed: bool = True, days: float = 0, **details: Any) -> LedgerRecord:
    gibibytes = (size + GIB) / GIB
    phases = {"choose": 1.0, "verify": 10 * gibibytes, "restore": 20 * gibibytes, "replay": 2.0, "queries": 99.0}
    found = {"backup_id": "20261130T110000", "backup_bytes": size, "wal_bytes": GIB, "phases": phases, **details}
    return new_record("drill", "app", NOW - timedelta(days=days), found, passed=passed)


# The forecast


def test_a_forecast_grows_with_the_bytes() -> None:
    drills = measured([drilled(GIB), drilled(2 * GIB), drilled(4 * GIB)])
    found = forecast(drills, RestoredBytes(8 * GIB, GIB))
    assert found is not None
    assert found["seconds"] == pytest.approx(1 + 90 + 180 + 2, rel=0.01)
    assert found["error_seconds"] == pytest.approx(0, abs=0.1)
    assert found["drills"] == 3
    assert set(found["phases"]) == {"choose", "verify", "restore", "replay"}


def test_a_single_drill_has_no_error() -> None:
    found = forecast(measured([drilled(GIB)]), RestoredBytes(GIB, GIB))
    assert found is not None
    assert found["seconds"] == pytest.approx(1 + 20 + 40 + 2, rel=0.01)
    assert found["error_seconds"] is None


def test_the_error_is_that_of_the_drill_that_differs_most() -> None:
    slow = drilled(GIB, phases={"choose": 1.0, "verify": 20.0, "restore": 100.0, "replay": 2.0})
    found = forecast(measured([drilled(GIB), drilled(GIB), slow]), RestoredBytes(GIB, GIB))
    assert found is not None
    assert found["error_seconds"] == pytest.approx(60, abs=1)


def test_failed_drills_and_those_without_numbers_do_not_count() -> None:
    records = [
        drilled(passed=False),
        drilled(phases=None),
        drilled(backup_bytes=None),
        new_record("gap", "app", NOW, {}, passed=True),
    ]
    assert measured(records) == []
    assert forecast([], RestoredBytes(1, 1)) is None


def test_old_drills_are_left_out() -> None:
    assert len(measured([drilled() for _unused in range(30)])) == 20


@given(
    st.lists(st.tuples(st.integers(0, 1 << 40), st.floats(0, 1e6)), min_size=1, max_size=20), st.integers(0, 1 << 42)
)
def test_no_line_leads_below_zero(points: list[tuple[int, float]], size: int) -> None:
    start, slope = line(points)
    assert start >= 0
    assert slope >= 0
    assert start + slope * size >= 0


def test_a_line_through_nothing_is_flat() -> None:
    assert line([(0, 4.0), (0, 6.0)]) == (5.0, 0.0)
    drill = MeasuredDrill(RestoredBytes(0, 0), {"choose": 1, "verify": 0, "restore": 0, "replay": 0})
    assert forecast([drill], RestoredBytes(0, 0)) is not None


# What is returned of a server


def test_the_last_proven_restore_is_not_the_last_drill() -> None:
    ledger = Ledger((drilled(days=2), drilled(days=1, passed=False, reason="damaged")))
    facts = server_facts(ledger, None, NOW, most=10)
    assert facts["proven"]["age_seconds"] == 2 * 86400
    assert facts["last"]["result"] == "failed"
    assert [one["result"] for one in facts["drills"]] == ["failed", "passed"]
    assert facts["forecast"] is None
    assert len(server_facts(ledger, None, NOW, most=1)["drills"]) == 1


def test_without_a_drill_nothing_is_proven() -> None:
    facts = server_facts(Ledger(), RestoredBytes(1, 1), NOW, most=10)
    assert (facts["proven"], facts["last"], facts["drills"], facts["forecast"]) == (None, None, [], None)


def test_the_current_size_is_the_newest_backup_and_the_wal_after_it(tmp_path: Path) -> None:
    files = BarmanHost(tmp_path)
    files.server("app")
    from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read

    def server() -> Server:
        return Server(files.barman, read(str(files.main), files.barman.user).server("app"))

    assert current_size(server()) == (None, "the server has no valid backup")
    files.backup("app", "20261129T110000", 1, size=500)
    files.backup("app", "20261130T110000", 3, size=1000)
    files.wal("app", range(1, 6))
    assert current_size(server()) == (RestoredBytes(1000, 3 * 16 * 1024 * 1024), "")


# The document


class Texts(HTMLParser):
    """The texts and the tags of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


HOSTILE = "<script>alert(1)</script> | `x` [a](http://b) &amp; \\ \n# title"


def hostile() -> dict[str, Ledger]:
    record = drilled(passed=False, reason=HOSTILE, failed_phase="replay", requested_by=HOSTILE, backup_id=HOSTILE)
    return {HOSTILE: Ledger((record,), parse_ledger("{").unreadable)}


def test_the_document_has_who_when_what_and_the_result() -> None:
    record = drilled(
        requested_by="dba",
        host="backup",
        rto_seconds=33.0,
        rpo={"commit_time": "2026-11-30T11:59:58+00:00", "lsn": "0/5000000"},
        checks={"backup": {"status": "verified"}, "amcheck": {"status": "unavailable"}, "queries": [{"matched": True}, {"matched": False}]},
    )  # fmt: skip
    for text in (
        "".join(Texts(html_document({"app": Ledger((record,))}, "backup", NOW)).texts),
        markdown({"app": Ledger((record,))}, "backup", NOW).replace("\\", ""),
    ):
        for expected in (
            "dba",
            "2026-11-30 12:00:00",
            "20261130T110000",
            "passed",
            "33.0 s",
            "0/5000000",
            "backup: verified, amcheck: unavailable, queries: 1 of 2",
            "The last proven restore was on 2026-11-30 12:00:00 UTC",
            record.id,
        ):
            assert expected in text


def test_the_document_of_a_server_without_a_drill() -> None:
    assert "No restore is proven" in markdown({"app": Ledger()}, "backup", NOW)
    assert "table" not in Texts(html_document({"app": Ledger()}, "backup", NOW)).tags


def test_nothing_in_the_html_is_a_tag_of_somebody_else() -> None:
    found = Texts(html_document(hostile(), HOSTILE, NOW))
    assert set(found.tags) <= {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "p",
        "h2",
        "table",
        "tr",
        "th",
        "td",
    }
    assert HOSTILE in found.texts
    assert {name for name, _value in found.attributes} == {"lang", "charset", "class"}


def test_the_html_loads_nothing() -> None:
    document = html_document({"app": Ledger((drilled(),))}, "backup", NOW)
    assert re.search(r"(src|href|url\(|@import|http)", document) is None


def test_nothing_in_the_markdown_has_a_meaning() -> None:
    text = markdown(hostile(), "backup", NOW)
    assert "<script>" not in text
    rows = [row for row in text.splitlines() if row.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {11}
    assert next(row for row in text.splitlines() if row.startswith("#")) == "# Restore drills"
    assert sum(row.startswith("#") for row in text.splitlines()) == 2


def test_lines_that_cannot_be_read_are_in_the_document() -> None:
    assert "can't be read: 1" in "".join(Texts(html_document(hostile(), "backup", NOW)).texts)
