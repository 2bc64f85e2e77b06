# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture in Graphviz's language. Graphviz lays it out; the colours are those of the style sheet in svg.py.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Sequence

from .picture import ARROW_MEANINGS, MARK_SYMBOLS, Arrow, ArrowKind, Picture, PictureHost

_FONT = "Helvetica"
_SHAPES = {"postgres": "cylinder", "standby": "cylinder", "backup": "box3d", "group": "cylinder"}
#: Kinds of arrows differ by their lines, not by colour alone.
_LINES: dict[ArrowKind, str] = {
    "streaming": "style=solid penwidth=1.6 arrowhead=normal",
    "archiving": "style=dashed penwidth=1.6 arrowhead=normal",
    "copy": "style=solid penwidth=1.6 arrowhead=empty",
    "rsync": "style=dashed penwidth=1.6 arrowhead=empty",
    "replication": "style=dotted penwidth=1.8 arrowhead=vee",
    "passive": "style=bold penwidth=3 arrowhead=normal",
}
_LETTERS: dict[ArrowKind, str] = {
    "streaming": "S",
    "archiving": "A",
    "copy": "B",
    "rsync": "R",
    "replication": "P",
    "passive": "C",
}


def dot(picture: Picture) -> str:
    """The source of the picture. Zones are boxes, and the legend stands below."""
    lines = [
        "digraph architecture {",
        f'  graph [rankdir=LR bgcolor=transparent fontname="{_FONT}" fontsize=13 nodesep=0.5 ranksep=1.3 pad=0.2 newrank=true]',
        f'  node [fontname="{_FONT}" fontsize=11 style=filled fillcolor=white margin="0.16,0.08"]',
        f'  edge [fontname="{_FONT}" fontsize=10]',
    ]
    for number, zone in enumerate(picture.zones):
        lines += [
            f"  subgraph cluster_{number} {{",
            f'    label={_quoted("zone " + zone)} class=zone style="rounded,filled" fillcolor=white labeljust=l',
            *("  " + _node(host) for host in picture.hosts if host.zone == zone),
            "  }",
        ]
    lines += [_node(host) for host in picture.hosts if not host.zone]
    grouped = any(host.kind == "group" for host in picture.hosts)
    lines += _joined_edges(picture.arrows) if grouped else [_edge(arrow) for arrow in picture.arrows]
    lines += _legend(picture)
    return "\n".join([*lines, "}", ""])


def _node(host: PictureHost) -> str:
    marks = [mark.label for mark in host.marks]
    classes = " ".join(["host", host.kind, *dict.fromkeys(mark.kind for mark in host.marks)])
    text = "\n".join([host.title, *host.lines, *marks])
    shape = _SHAPES[host.kind]
    dashed = ' style="filled,dashed"' if host.kind == "standby" else ""
    double = " peripheries=2" if host.kind == "group" and shape != "cylinder" else ""
    return f"  {_quoted(host.key)} [label={_quoted(text)} tooltip={_quoted(text)} shape={shape} class={_quoted(classes)}{dashed}{double}]"


def _edge(arrow: Arrow) -> str:
    number = f" \N{MULTIPLICATION SIGN}{arrow.count}" if arrow.count > 1 else ""
    waits = " sync" if arrow.synchronous else ""
    label = f"{_LETTERS[arrow.kind]}{number}{waits}"
    return (
        f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [label={_quoted(label)} tooltip={_quoted(ARROW_MEANINGS[arrow.kind])} "
        f"class={_quoted(f'arrow {arrow.kind}')} {_LINES[arrow.kind]}]"
    )


def _joined_edges(arrows: Sequence[Arrow]) -> list[str]:
    """One line between two hosts, with the letters of its arrows: among many hosts, parallel lines would cover each other."""
    pairs: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in arrows:
        pairs.setdefault((arrow.source, arrow.target), []).append(arrow)
    lines = []
    for (source, target), ways in pairs.items():
        letters = " ".join(sorted({_LETTERS[one.kind] for one in ways}))
        count = max(one.count for one in ways)
        number = f" \N{MULTIPLICATION SIGN}{count}" if count > 1 else ""
        waits = " sync" if any(one.synchronous for one in ways) else ""
        meaning = ", ".join(dict.fromkeys(ARROW_MEANINGS[one.kind] for one in ways))
        style = _LINES["passive" if ways[0].kind == "passive" else "streaming"]
        lines.append(
            f"  {_quoted(source)} -> {_quoted(target)} [label={_quoted(letters + number + waits)} tooltip={_quoted(meaning)} "
            f"class=arrow {style}]"
        )
    return lines


def _legend(picture: Picture) -> Sequence[str]:
    rows = [f"{_LETTERS[kind]}  {ARROW_MEANINGS[kind]}" for kind in picture.kinds]
    meanings = {"single": "a single point of failure", "missing": "missing", "failing": "failing"}
    rows += [f"{MARK_SYMBOLS[kind]}  {meanings[kind]}" for kind in picture.marks]
    text = "".join(f"{row}\\l" for row in rows)
    return [f'  legend [label="{text}" shape=note class=legend fontsize=10 tooltip="legend"]'] if rows else []


def _quoted(text: str) -> str:
    """A string of Graphviz's language: names of hosts and zones may have any character."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
