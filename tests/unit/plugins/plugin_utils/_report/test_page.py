# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page in Chromium: what it shows, its size, its time, and what axe-core finds."""

from __future__ import annotations

import os
import re
import subprocess
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._publish.run import is_ours
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.architecture import draw
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.dot import dot
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import described
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.svg import themed
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.fleet import fleet_report, marks_of
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.page import page
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.report import FleetReport, HostResults
from tests.tools.browser import Scheme, evaluated, violations
from tests.tools.debian import DOT, program
from tests.unit.plugins.plugin_utils._picture.fleets import small
from tests.unit.plugins.plugin_utils._report.read_fleets import (
    ACCEPTED,
    FINDING,
    FLEETS,
    NOW,
    OLD_DRILL,
    STOPPED,
    resolved,
    results_of,
)

MOST_BYTES = 1_000_000
MOST_SECONDS = 2.0
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&amp;"


def written(topology: Any, found: FleetReport) -> str:
    """The page with its picture, by way of Graphviz."""
    picture = draw(topology, marks_of(found), advised=bool(found.findings or found.accepted))
    svg = subprocess.run([program(DOT), "-Tsvg"], input=dot(picture), capture_output=True, text=True, check=True).stdout
    return page(found, themed(svg, "Architecture", described(picture)))


@pytest.fixture(scope="module")
def pages() -> dict[int, str]:
    """Pages of fleets with every state: failing, not read, warning, healthy; with findings, open and accepted."""
    found = {}
    for count, fleet in FLEETS.items():
        topology, requirements = resolved(*fleet())
        names = sorted(topology["postgres_servers"])
        faults = {
            name: {"faults": [STOPPED, OLD_DRILL] if number % 9 == 0 else [OLD_DRILL]}
            for number, name in enumerate(names)
            if number % 3 == 0
        }
        results = results_of(requirements, faults)
        last = sorted(topology["backup_servers"])[-1]
        results[last] = HostResults(unread="Failed to connect to the host via ssh: Connection timed out")
        findings = [{**FINDING, "subject": names[0]}, {**ACCEPTED, "subject": names[1]}]
        found[count] = written(
            topology, fleet_report(topology, requirements, results, findings, NOW, "Backups of PostgreSQL")
        )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("count", FLEETS)
def test_axe_finds_nothing(pages: dict[int, str], count: int, scheme: Scheme) -> None:
    """With 200 servers, what does not depend on the scheme is tested once: axe-core takes a second for 50 servers."""
    assert violations(pages[count], scheme=scheme, colours=count > 4 and scheme == "dark") == []


def test_axe_finds_nothing_on_a_phone(pages: dict[int, str]) -> None:
    assert violations(pages[4], width=500) == []


@pytest.mark.parametrize("count", FLEETS)
def test_a_page_is_small_and_loads_fast(pages: dict[int, str], count: int) -> None:
    """The time from the start of the navigation to the event load, by the performance API of Chromium: the best of three.

    If more processes run than there are processors, the limit is that much longer.
    """
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    text = pages[count]
    assert len(text.encode()) <= MOST_BYTES
    script = """
        await new Promise(done => setTimeout(done, 0));
        const [entry] = performance.getEntriesByType('navigation');
        return entry.loadEventStart - entry.startTime;
    """
    assert any(evaluated(text, script) / 1000 <= busy * MOST_SECONDS for _attempt in range(3))


@pytest.mark.parametrize("width", [500, 1280])
def test_a_page_is_not_wider_than_its_window(pages: dict[int, str], width: int) -> None:
    found = evaluated(pages[4], "return [document.documentElement.scrollWidth, innerWidth];", width=width)
    assert found[0] <= found[1] == width


def test_a_picture_scrolls_in_a_narrow_window(pages: dict[int, str]) -> None:
    """Its text stays as large as that of the page."""
    script = """
        const box = document.querySelector('.picture'), svg = box.querySelector('svg');
        return [svg.getBoundingClientRect().width, svg.viewBox.baseVal.width, box.scrollWidth - box.clientWidth];
    """
    shown, drawn, scrolled = evaluated(pages[4], script, width=500)
    assert shown >= drawn
    assert scrolled > 0


def test_the_keyboard_reaches_everything(pages: dict[int, str]) -> None:
    script = """
        const first = [...document.querySelectorAll('a[href], summary, [tabindex]')];
        return {first: first[0].textContent, wrong: first.filter(one => one.tabIndex < 0).length,
                targets: [...document.querySelectorAll('a[href^="#"]')].filter(one => !document.querySelector(one.hash)).length,
                loaded: performance.getEntriesByType('resource').length, scripts: document.scripts.length};
    """
    found = evaluated(pages[4], script)
    # The script is that of this test.
    assert found == {"first": "To the servers", "wrong": 0, "targets": 0, "loaded": 0, "scripts": 1}


class Addresses(HTMLParser):
    """The values of attributes that could load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "xlink:href", "data")]


def test_a_page_loads_nothing(pages: dict[int, str]) -> None:
    found = Addresses(pages[4])
    assert [value for value in found.found if not value.startswith("#")] == []
    assert found.tags.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert "url(" not in pages[4]
    assert "@import" not in pages[4]


def test_a_page_shows_what_is_wrong_and_what_to_do(pages: dict[int, str]) -> None:
    text = re.sub(r"<[^>]+>", "", pages[4])
    for part in (
        *("failing at 2026-11-20 08:00:00 UTC", "the WAL receiver does not run", "sudo -u barman barman cron"),
        *("ansible-playbook pgdr.barman.drill -i INVENTORY -e barman_servers=books", "Connection timed out"),
        *("backup 20261117T020000", "11.8 GB", "36 seconds", "A test system (until 2027-01-01)", "6 hours ago"),
    ):
        assert part in text, part
    assert "<title>failing: Backups of PostgreSQL</title>" in pages[4]


def hostile(value: Any) -> Any:
    """The same value with a script in each text that is no time."""
    if isinstance(value, dict):
        return {
            key: hostile(item)
            if key not in ("time", "end_time", "begin_time", "severity", "commit_time", "name")
            else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_no_text_is_markup() -> None:
    name = "pg" + HOSTILE
    servers, backups = small()
    servers[name] = {**servers.pop("books"), "barman_server_name": "pg", "barman_zone": HOSTILE}
    topology, requirements = resolved(servers, backups)
    results = results_of(requirements, {"pg": hostile({"faults": [STOPPED], "rpo": {"seconds": 1.0, "limit": "x"}})})
    results = {
        host: HostResults(hostile(one.servers), one.checks, hostile(one.drills)) for host, one in results.items()
    }
    results["backup-us"] = HostResults(unread=HOSTILE)
    findings = [{**FINDING, "subject": name, "evidence": HOSTILE, "code": HOSTILE}]
    text = written(topology, fleet_report(topology, requirements, results, findings, NOW, HOSTILE))
    assert Addresses(text).tags.isdisjoint({"script", "img"})
    assert "<script" not in text
    assert evaluated(text, "return document.title;").startswith(f"failing: {HOSTILE}")


def test_a_page_is_recognized(pages: dict[int, str]) -> None:
    assert is_ours(pages[4])
    assert not is_ours("<!DOCTYPE html><title>pgdr.barman.report</title>")
