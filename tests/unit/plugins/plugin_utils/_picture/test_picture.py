# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of an architecture: what is drawn, marked and described. Graphviz lays it out in the tests of the playbook."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.dot import dot
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import (
    MOST_SERVERS,
    Picture,
    described,
    draw,
)
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.svg import STYLE, themed
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build

COMMON = {"barman_postgres_version": 17, "barman_postgres_password": "x", "barman_streaming_password": "x"}
BACKUPS = {
    "backup-eu": {"barman_address": "192.0.2.11", "barman_zone": "eu"},
    "backup-us": {"barman_address": "192.0.2.12", "barman_zone": "us", "barman_allow_empty": True},
}


def server(number: int, **variables: Any) -> dict[str, Any]:
    address = {"barman_address": f"198.51.{number // 200}.{number % 200 + 1}", "barman_zone": "eu"}
    return {**COMMON, **address, "barman_backup_server": "backup-eu", **variables}


def picture(servers: dict[str, dict[str, Any]], **failures: list[str]) -> Picture:
    built = build(servers, BACKUPS)
    assert built.problems == []
    return draw(built.topology, {name.replace("_", "-"): texts for name, texts in failures.items()})


def arrows(found: Picture) -> list[tuple[str, str, str, int]]:
    return [(one.source, one.target, one.kind, one.count) for one in found.arrows]


def marks(found: Picture) -> dict[str, list[str]]:
    return {host.title: [f"{mark.kind}: {mark.text}" for mark in host.marks] for host in found.hosts}


def test_each_way_of_the_data_is_an_arrow() -> None:
    found = picture(
        {
            "books": server(1, barman_wal=["streaming", "archiving"], barman_passive_servers=["backup-us"]),
            "ledger": server(2, barman_backup_method="rsync", barman_wal=["archiving"]),
        }
    )
    assert arrows(found) == [
        ("pg books", "backup backup-eu", "copy", 1),
        ("pg books", "backup backup-eu", "streaming", 1),
        ("pg books", "backup backup-eu", "archiving", 1),
        ("pg ledger", "backup backup-eu", "rsync", 1),
        ("pg ledger", "backup backup-eu", "archiving", 1),
        ("backup backup-eu", "backup backup-us", "passive", 1),
    ]
    assert found.zones == ["eu", "us"]


def test_wal_of_a_standby_comes_from_its_primary() -> None:
    primary = {**server(1), "barman_backup_server": None}
    found = picture({"pg-1": primary, "pg-2": server(2, barman_primary="pg-1")})
    assert arrows(found) == [
        ("pg pg-1", "pg pg-2", "replication", 1),
        ("pg pg-2", "backup backup-eu", "copy", 1),
        ("pg pg-1", "backup backup-eu", "streaming", 1),
    ]
    assert [host.kind for host in found.hosts] == ["postgres", "standby", "backup", "backup"]
    assert "missing: no backup" not in marks(found)["pg-1"]


def test_what_is_single_and_what_fails_is_marked() -> None:
    found = picture({"orders": server(1), "far-1": server(2, barman_zone="us")}, far_1=["receiver stopped"])
    assert marks(found) == {
        "orders": ["single: no second copy"],
        "far-1": ["failing: receiver stopped", "single: no second copy"],
        "backup-eu": [],
        "backup-us": [],
    }
    assert marks(picture({"orders": server(1)}))["backup-eu"] == ["single: in the zone of its servers"]


@pytest.mark.parametrize("count", [4, 60, 300])
def test_many_servers_are_drawn_in_groups(count: int) -> None:
    servers = {f"pg-{number:03}": server(number) for number in range(count)}
    found = picture(servers, pg_002=["no backup for 3 days"])
    assert sum(host.count for host in found.hosts if host.kind != "backup") == count
    drawn = [host.title for host in found.hosts]
    if count <= MOST_SERVERS:
        assert drawn == [*servers, "backup-eu", "backup-us"]
    else:
        # What fails is never hidden in a group.
        assert sorted(drawn) == sorted([f"{count - 1} servers", "pg-002", "backup-eu", "backup-us"])


def test_a_screen_reader_gets_every_host_and_every_arrow() -> None:
    found = picture({"orders": server(1, barman_synchronous=True)}, orders=["receiver stopped"])
    assert described(found) == (
        "PostgreSQL server orders in zone eu: PostgreSQL 17; failing: receiver stopped; single: no second copy. "
        "Backup server backup-eu in zone eu: backs up 1 server; single: in the zone of its servers. "
        "Backup server backup-us in zone us. "
        "From orders to backup-eu: base backup, pg_basebackup. "
        "From orders to backup-eu: WAL, streamed, commits wait for it."
    )


def test_a_symbol_and_a_class_stand_beside_each_colour() -> None:
    source = dot(picture({"orders": server(1)}, orders=["receiver stopped"]))
    assert 'label="orders\\nPostgreSQL 17\\n! receiver stopped\\n\N{WHITE DIAMOND} no second copy"' in source
    assert 'class="host postgres failing single"' in source
    assert "!  failing\\l" in source


def test_a_zone_can_have_any_name() -> None:
    source = dot(picture({"orders": server(1, barman_zone='the "old" cellar\\')}))
    assert 'label="zone the \\"old\\" cellar\\\\"' in source


DRAWN = """<?xml version="1.0"?>
<svg width="100pt" height="50pt" viewBox="0 0 100 50" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<g id="node1" class="node"><title>pg orders</title><text>orders</text></g></svg>
"""


def test_the_drawing_has_a_title_a_text_and_no_fixed_size() -> None:
    root = ElementTree.fromstring(themed(DRAWN, "The <fleet>", "Backup server & more."))
    name = "{http://www.w3.org/2000/svg}"
    assert root.attrib["role"] == "img"
    assert "width" not in root.attrib
    assert [root.find(f"{name}{tag}").text for tag in ("title", "desc")] == ["The <fleet>", "Backup server & more."]  # type: ignore[union-attr]
    assert [one.text for one in root.iter(f"{name}title")] == ["The <fleet>"]
    with pytest.raises(ValueError, match="no SVG"):
        themed("Error", "", "")


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", STYLE.split("@media"))
def test_texts_and_lines_have_the_contrasts_of_wcag_aa(scheme: str) -> None:
    found = colours(scheme)
    grounds = [name for name in found if name in ("ground", "zone", "host", "backup") or name.endswith("-ground")]
    assert len(grounds) == 6
    assert min(contrast(found["ink"], found[ground]) for ground in grounds) >= 4.5
    assert min(contrast(found[line], found[ground]) for line in ("line", "alarm", "single") for ground in grounds) >= 3
