# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A picture in Graphviz's language. Graphviz lays it out; the colours are those of the style sheet in svg.py.

PostgreSQL servers are in the first column and backup servers in the second, so that the picture is narrow enough for a phone.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .picture import ARROW_MEANINGS, MARK_MEANINGS, MARK_SYMBOLS, Arrow, ArrowKind, HostKind, Picture, PictureHost

_FONT = "Helvetica"
_MOST_LETTERS = 44
_SHAPES: dict[HostKind, str] = {
    "postgres": "cylinder",
    "standby": "cylinder",
    "member": "cylinder",
    "backup": "box3d",
    "target": "folder",
}
#: The upper edges of these shapes are inside of the box, so that text needs room below them.
_MARGINS: dict[str, str] = {"cylinder": "0.1,0.14", "box3d": "0.16,0.13", "folder": "0.14,0.07"}
#: Beside more backup servers, a passive copy from the first to the last one needs room between the columns.
_MOST_CLOSE = 3
#: Kinds of arrows differ by their lines, not by colour alone.
_LINES: dict[ArrowKind, str] = {
    "streaming": "style=solid penwidth=1.6 arrowhead=normal",
    "archiving": "style=dashed penwidth=1.6 arrowhead=normal",
    "copy": "style=solid penwidth=1.6 arrowhead=empty",
    "rsync": "style=dashed penwidth=1.6 arrowhead=empty",
    "snapshot": "style=dashed penwidth=1.6 arrowhead=diamond",
    "replication": "style=dotted penwidth=1.8 arrowhead=vee",
    "cluster": "style=dotted penwidth=1.8 dir=none",
    "passive": "style=bold penwidth=3 arrowhead=normal",
    "export": "style=bold penwidth=2 arrowhead=vee",
}
_LETTERS: dict[ArrowKind, str] = {
    "streaming": "S",
    "archiving": "A",
    "copy": "B",
    "rsync": "R",
    "snapshot": "D",
    "replication": "P",
    "cluster": "M",
    "passive": "C",
    "export": "E",
}
#: Between hosts of one column.
_WITHIN_A_COLUMN = ("replication", "cluster", "passive")


def dot(picture: Picture) -> str:
    """The source of the picture. Zones are boxes, and the legend is beside them."""
    ranksep = 0.9 if sum(host.kind == "backup" for host in picture.hosts) <= _MOST_CLOSE else 1.4
    lines = [
        "digraph architecture {",
        f'  graph [rankdir=LR bgcolor=transparent fontname="{_FONT}" fontsize=14 nodesep=0.35 ranksep={ranksep} pad=0.15 newrank=true]',
        f'  node [fontname="{_FONT}" fontsize=12 style=filled fillcolor=white margin="0.14,0.07"]',
        f'  edge [fontname="{_FONT}" fontsize=11]',
    ]
    for number, zone in enumerate(picture.zones):
        lines += [
            f"  subgraph cluster_{number} {{",
            f"    label={_quoted(_short('zone ' + zone))} class=zone style=filled fillcolor=white labeljust=l",
            *("  " + _node(host) for host in picture.hosts if host.zone == zone),
            "  }",
        ]
    lines += [_node(host) for host in picture.hosts if not host.zone]
    lines += _columns(picture)
    grouped = any(host.grouped for host in picture.hosts)
    lines += _joined_arrows(picture.arrows) if grouped else [_arrow(arrow) for arrow in picture.arrows]
    return "\n".join([*lines, *_legend(picture), "}", ""])


def _node(host: PictureHost) -> str:
    marks = [mark.label for mark in host.marks]
    classes = " ".join(["host", host.kind, *dict.fromkeys(mark.kind for mark in host.marks)])
    text = "\n".join([_short(one) for one in (host.title, *host.lines, *marks)])
    whole = "\n".join([host.title, *host.lines, *marks])
    shape = _SHAPES[host.kind]
    dashed = ' style="filled,dashed"' if host.kind == "standby" else ""
    return (
        f"  {_quoted(host.key)} [label={_quoted(text)} tooltip={_quoted(whole)} shape={shape} "
        f"class={_quoted(classes)}{dashed} margin={_quoted(_MARGINS[shape])}]"
    )


def _columns(picture: Picture) -> list[str]:
    """Backup servers are one column, if there is an arrow to one of them."""
    backups = [_quoted(host.key) for host in picture.hosts if host.kind == "backup"]
    return [f"  {{ rank=same {' '.join(backups)} }}"] if backups else []


def _arrow(arrow: Arrow) -> str:
    return _drawn(arrow, f"{_LETTERS[arrow.kind]}{arrow.details}", [arrow.kind])


def _joined_arrows(arrows: Sequence[Arrow]) -> list[str]:
    """One line between two hosts, with the letters of its arrows: among many hosts, parallel lines would cover each other."""
    pairs: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in arrows:
        pairs.setdefault((arrow.source, arrow.target), []).append(arrow)
    lines = []
    for (source, target), parallel in pairs.items():
        most = max(parallel, key=lambda one: one.count)
        joined = Arrow(source, target, parallel[-1].kind, most.count, synchronous=any(o.synchronous for o in parallel))
        kinds = sorted({one.kind for one in parallel}, key=_LETTERS.__getitem__)
        letters = " ".join(_LETTERS[kind] for kind in kinds)
        lines.append(_drawn(joined, f"{letters}{joined.details}", kinds))
    return lines


def _drawn(arrow: Arrow, label: str, kinds: Iterable[ArrowKind]) -> str:
    meaning = ", ".join(ARROW_MEANINGS[kind] for kind in kinds)
    within = " constraint=false" if arrow.kind in _WITHIN_A_COLUMN else ""
    return (
        f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [label={_quoted(label)} tooltip={_quoted(meaning)} "
        f"class={_quoted('arrow-' + arrow.kind)} {_LINES[arrow.kind]}{within}]"
    )


def _legend(picture: Picture) -> Sequence[str]:
    rows = [f"{_LETTERS[kind]}  {ARROW_MEANINGS[kind]}" for kind in picture.kinds]
    rows += [f"{MARK_SYMBOLS[kind]}  {MARK_MEANINGS[kind]}" for kind in picture.marks]
    text = "".join(f"{row}\\l" for row in rows)
    return [f'  legend [label="{text}" shape=note class=legend fontsize=11 tooltip="legend"]'] if rows else []


def _short(text: str) -> str:
    """The text as far as it fits: a name can be long. Its end is kept, because it differs from that of other names."""
    half = (_MOST_LETTERS - 1) // 2
    return text if len(text) <= _MOST_LETTERS else f"{text[:half]}…{text[-half:]}"


def _quoted(text: str) -> str:
    """A string of Graphviz's language: names of hosts and zones may have any character.

    Graphviz reads entities. It reads a backslash once in a label and twice in a tooltip, so a character of the same form is in its place.
    """
    escaped = text.replace("&", "&amp;").replace("\\", "\N{REVERSE SOLIDUS OPERATOR}").replace('"', "&quot;")
    return '"' + escaped.replace("\n", "\\n") + '"'
