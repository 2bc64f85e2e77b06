# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Graphviz's drawing as an SVG for light and dark pages, with a text for screen readers.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import html
import re
from typing import Literal

Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
#: By these the collection recognizes a picture that it has written.
MARKER = 'data-generator="pgdr.barman.picture"'

#: The report has the same colours. Contrasts of texts are at least 4.5 to 1 on all grounds, and those of lines at least 3 to 1 (WCAG AA).
LIGHT = """.architecture { --ground: #ffffff; --ink: #1b1f24; --line: #57606a; --zone: #f3f5f8; --host: #ffffff; --backup: #dfeefc; --alarm: #b3261e;
  --alarm-ground: #fdecea; --single: #8a5300; --single-ground: #fff4e0; --unread: #5b3fa3; --unread-ground: #f1ecfb;
  background: var(--ground); }"""
DARK = """.architecture { --ground: #14181d; --ink: #e8ebef; --line: #a3adb8; --zone: #1d232a; --host: #252c34; --backup: #1f3a54; --alarm: #ff8a80;
  --alarm-ground: #4a1512; --single: #ffc266; --single-ground: #43300b; --unread: #cbb8ff; --unread-ground: #332856;
  background: var(--ground); }"""
_RULES = "\n".join(
    (
        ".architecture { max-width: 100%; height: auto; }",
        ".architecture text { fill: var(--ink); }",
        ".architecture .edge path, .architecture .edge polygon, .architecture .edge polyline { stroke: var(--line); }",
        ".architecture .edge polygon { fill: var(--line); }",
        ".architecture .edge text { paint-order: stroke; stroke: var(--zone); stroke-width: 5px; stroke-linejoin: round; }",
        ".architecture .arrow-copy polygon, .architecture .arrow-rsync polygon { fill: var(--ground); }",
        ".architecture .cluster polygon { fill: var(--zone); stroke: var(--line); }",
        ".architecture .node path, .architecture .node polygon, .architecture .node polyline { fill: var(--host); stroke: var(--line); }",
        ".architecture .backup path, .architecture .backup polygon, .architecture .backup polyline { fill: var(--backup); }",
        ".architecture :is(.single, .warning) :is(path, polygon, polyline) { fill: var(--single-ground); stroke: var(--single); stroke-width: 2; }",
        ".architecture .unread :is(path, polygon, polyline) { fill: var(--unread-ground); stroke: var(--unread); stroke-width: 2.5; }",
        ".architecture :is(.missing, .failing) :is(path, polygon, polyline) { fill: var(--alarm-ground); stroke: var(--alarm); stroke-width: 2.5; }",
        ".architecture .legend polygon, .architecture .legend polyline { fill: none; }",
    )
)

_OPENING = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_TITLE = re.compile(r"<title>.*?</title>\s*", re.DOTALL)


def style(theme: Theme) -> str:
    """The style sheet: as the reader's system is set, or always light or dark."""
    if theme == "dark":
        return f"{DARK}\n{_RULES}"
    dark = f"@media (prefers-color-scheme: dark) {{ {DARK} }}\n" if theme == "auto" else ""
    return f"{LIGHT}\n{dark}{_RULES}"


def themed(drawn: str, title: str, description: str, theme: Theme = "auto") -> str:
    """The SVG element alone, for a file or a page. drawn: the output of "dot -Tsvg". Raises ValueError if it is no SVG."""
    found = _OPENING.search(drawn)
    if found is None:
        raise ValueError("the output of dot is no SVG")
    # Graphviz's titles repeat the keys of hosts, which nobody else knows; tooltips have the texts.
    body = _labels_last(_TITLE.sub("", drawn[found.end() :]))
    opening = found.group(0).replace(
        "<svg",
        f'<svg class="architecture" {MARKER} role="img" aria-labelledby="architecture-title" aria-describedby="architecture-text"',
        1,
    )
    head = (
        f'<title id="architecture-title">{html.escape(title)}</title>\n<desc id="architecture-text">{html.escape(description)}</desc>\n'
        f"<style>{style(theme)}</style>\n"
    )
    return f"{opening}\n{head}{body.strip()}\n"


def _labels_last(body: str) -> str:
    """The elements with the labels of arrows at the end, so that no arrow is drawn over a label. Graphviz writes an element a line."""
    elements: list[str] = []
    labels: list[str] = []
    of_an_arrow = False
    for line in body.splitlines():
        if line.startswith("<g "):
            # Graphviz calls an arrow an edge.
            of_an_arrow = 'class="edge' in line or (of_an_arrow and 'id="a_edge' in line)
        (labels if of_an_arrow and line.startswith("<text") else elements).append(line)
    end = max((number for number, line in enumerate(elements) if line.startswith("</g>")), default=len(elements))
    elements[end:end] = ['<g class="edge">', *labels, "</g>"] if labels else []
    return "\n".join(elements)


def is_ours(text: str) -> bool:
    """Whether a file has a picture that the collection wrote."""
    return MARKER in text[:2000]


def sentences(text: str) -> str:
    """The title and the description of a picture, a sentence a line; "" if it has none."""
    found = re.search(r"<title[^>]*>(.*?)</title>\s*<desc[^>]*>(.*?)</desc>", text, re.DOTALL)
    if found is None:
        return ""
    title, description = map(html.unescape, found.groups())
    return "\n".join([title, *re.split(r"(?<=\.) ", description)]) + "\n"
