# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture as Graphviz draws it, with its colours for light and dark pages."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.architecture import draw
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.dot import dot
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import Mark, described
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.svg import (
    DARK,
    LIGHT,
    THEMES,
    is_ours,
    sentences,
    style,
    themed,
)
from tests.tools.browser import Scheme, page_of, violations
from tests.tools.debian import DOT, program
from tests.unit.plugins.plugin_utils._picture.fleets import FLEETS, Hosts, backup_server, server, topology_of

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}title"
HOSTILE = "<script>\\N</script>]]>--> &amp; '\""


def drawn(servers: Hosts, backups: Hosts, **failures: str) -> str:
    """The picture of an inventory, by way of Graphviz."""
    marks = {name.replace("_", "-"): [Mark("failing", text)] for name, text in failures.items()}
    picture = draw(topology_of(servers, backups), marks)
    done = subprocess.run([program(DOT), "-Tsvg"], input=dot(picture), capture_output=True, text=True, check=True)
    return themed(done.stdout, "Backups", described(picture))


def texts_of(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def tooltips_of(svg: str) -> list[str]:
    return [one.attrib.get(XLINK, "") for one in ElementTree.fromstring(svg).iter(f"{SVG}a")]


@pytest.mark.parametrize("count", FLEETS)
def test_a_picture_is_narrow_enough_to_read(count: int) -> None:
    """Two columns: text of 12 points stays as large as that of a page, or half as large on a phone."""
    svg = drawn(*FLEETS[count]())
    width = float(re.search(r'viewBox="0\.00 0\.00 ([\d.]+) ', svg)[1])  # type: ignore[index]
    assert width < 850
    texts = texts_of(svg)
    assert f"zone {sorted(one['barman_zone'] for one in FLEETS[count]()[1].values())[0]}" in texts
    assert "S  WAL, streamed" in [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_picture(scheme: Scheme) -> None:
    assert violations(page_of(drawn(*FLEETS[60]())), scheme=scheme) == []


def test_axe_does_find_what_is_wrong() -> None:
    found = violations('<!DOCTYPE html><html><body><p style="color:#aaa">grey</p></body></html>')
    assert {line.split(":")[0] for line in found} >= {"color-contrast", "html-has-lang", "document-title"}


def test_any_name_is_text() -> None:
    servers = {HOSTILE: server(1, barman_zone=HOSTILE, barman_server_name="orders")}
    svg = drawn(servers, {"backup-eu": backup_server(0, "eu")}, **{HOSTILE: HOSTILE})
    assert ElementTree.fromstring(svg).findall(f".//{SVG}script") == []
    shown = HOSTILE.replace("\\", "\N{REVERSE SOLIDUS OPERATOR}")
    assert any(one.startswith(f"{shown}\n") for one in tooltips_of(svg))
    assert f"zone {shown}" in texts_of(svg)


def test_a_long_name_is_shortened_and_whole_in_its_tooltip() -> None:
    name = f"pg-{'x' * 70}-01"
    svg = drawn({name: server(1, barman_server_name="orders")}, {"backup-eu": backup_server(0, "eu")})
    assert f"pg-{'x' * 18}…{'x' * 18}-01" in texts_of(svg)
    assert any(one.startswith(f"{name}\n") for one in tooltips_of(svg))


def test_a_symbol_and_a_class_stand_beside_each_colour() -> None:
    svg = drawn({"orders": server(1)}, {"backup-eu": backup_server(0, "us")}, orders="receiver stopped")
    assert {"! receiver stopped", "\N{WHITE DIAMOND} no second copy"} <= set(texts_of(svg))
    assert 'class="node host postgres failing single"' in svg
    legend = [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts_of(svg)]
    assert {"!  failing", "\N{WHITE DIAMOND}  a single point of failure"} <= set(legend)


@pytest.mark.parametrize(("shape", "least"), [("postgres", 24), ("backup", 18)])
def test_a_text_does_not_touch_the_top_of_its_box(shape: str, least: float) -> None:
    """least: points from the top to the first base line. The tops of cylinders and boxes are 8 and 4 points high, and letters 9."""
    root = ElementTree.fromstring(drawn({"orders": server(1)}, {"backup-eu": backup_server(0, "us")}))
    (node,) = [one for one in root.iter(f"{SVG}g") if one.attrib.get("class", "").startswith(f"node host {shape}")]
    lines = [
        one.attrib.get("d") or one.attrib["points"] for one in node.iter() if one.tag in (f"{SVG}path", f"{SVG}polygon")
    ]
    top = min(float(number) for line in lines for number in re.findall(r",(-?[\d.]+)", line))
    first = next(node.iter(f"{SVG}text"))
    assert float(first.attrib["y"]) - top >= least


def test_a_passive_copy_does_not_run_along_the_boxes_that_it_passes() -> None:
    """The copy from the first to the last of six backup servers keeps a distance from those between them."""
    root = ElementTree.fromstring(drawn(*FLEETS[300]()))
    nodes = [one for one in root.iter(f"{SVG}g") if one.attrib.get("class", "").startswith("node host backup")]
    corners = [
        min(float(pair.split(",")[0]) for pair in one.attrib["points"].split())
        for node in nodes
        for one in node.iter(f"{SVG}polygon")
    ]
    curves = [
        [float(x) for x in re.findall(r"(-?[\d.]+),", one.attrib["d"])]
        for group in root.iter(f"{SVG}g")
        if "arrow-passive" in group.attrib.get("class", "")
        for one in group.iter(f"{SVG}path")
    ]
    assert len(curves) == 6
    left = min(corners)
    assert sum(min(curve) < left - 20 for curve in curves) == 1


def test_no_arrow_is_drawn_over_a_label() -> None:
    root = ElementTree.fromstring(drawn(*FLEETS[60]()))
    graph = root.find(f"{SVG}g")
    assert graph is not None
    last = list(graph)[-1]
    assert {one.tag for one in last} == {f"{SVG}text"}
    assert "C ×19" in [one.text for one in last]


DRAWN = """<?xml version="1.0"?>
<svg width="100pt" height="50pt" viewBox="0 0 100 50" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<g id="graph0"><g id="node1" class="node"><title>pg orders</title>
<text>orders</text>
</g>
</g>
</svg>
"""


def test_the_drawing_has_a_title_and_a_text() -> None:
    svg = themed(DRAWN, "The <fleet>", "Backup server & more. And that.")
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert [root.findtext(f"{SVG}{tag}") for tag in ("title", "desc")] == [
        "The <fleet>",
        "Backup server & more. And that.",
    ]
    assert [one.text for one in root.iter(f"{SVG}title")] == ["The <fleet>"]
    assert sentences(svg) == "The <fleet>\nBackup server & more.\nAnd that.\n"
    with pytest.raises(ValueError, match="no SVG"):
        themed("Error", "", "")


def test_a_picture_is_recognized() -> None:
    assert is_ours(themed(DRAWN, "Fleet", ""))
    assert not is_ours(DRAWN)
    assert sentences(DRAWN) == ""


def test_the_theme_is_the_reader_s_or_fixed() -> None:
    assert [theme for theme in THEMES if "prefers-color-scheme" in style(theme)] == ["auto"]
    assert [DARK in style(theme) for theme in THEMES] == [True, False, True]
    assert [LIGHT in style(theme) for theme in THEMES] == [True, True, False]


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", scheme))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_texts_and_lines_have_the_contrasts_of_wcag_aa(scheme: str) -> None:
    found = colours(scheme)
    grounds = [name for name in found if name in ("ground", "zone", "host", "backup") or name.endswith("-ground")]
    assert len(grounds) == 7
    assert min(contrast(found["ink"], found[ground]) for ground in grounds) >= 4.5
    assert (
        min(
            contrast(found[line], found[ground]) for line in ("line", "alarm", "single", "unread") for ground in grounds
        )
        >= 3
    )
