# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Graphviz drew, as an SVG for light and dark pages, with a text for screen readers.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import html
import re

#: Contrasts of text and lines are at least 4.5 to 1 on both backgrounds (WCAG AA).
STYLE = """
.architecture { --ground: #ffffff; --ink: #1b1f24; --line: #57606a; --zone: #f3f5f8; --host: #ffffff; --backup: #dfeefc; --alarm: #b3261e;
  --alarm-ground: #fdecea; --single: #8a5300; --single-ground: #fff4e0; background: var(--ground); }
@media (prefers-color-scheme: dark) { .architecture { --ground: #14181d; --ink: #e8ebef; --line: #a3adb8; --zone: #1d232a; --host: #252c34;
  --backup: #1f3a54; --alarm: #ff8a80; --alarm-ground: #4a1512; --single: #ffc266; --single-ground: #43300b; } }
.architecture text { fill: var(--ink); }
.architecture .edge path, .architecture .edge polygon { stroke: var(--line); }
.architecture .edge polygon { fill: var(--line); }
.architecture .copy polygon, .architecture .rsync polygon { fill: var(--ground); }
.architecture .cluster path, .architecture .cluster polygon { fill: var(--zone); stroke: var(--line); }
.architecture .node path, .architecture .node polygon, .architecture .node polyline { fill: var(--host); stroke: var(--line); }
.architecture .backup path, .architecture .backup polygon, .architecture .backup polyline { fill: var(--backup); }
.architecture .single path, .architecture .single polygon, .architecture .single polyline { fill: var(--single-ground); stroke: var(--single);
  stroke-width: 2; }
.architecture .missing path, .architecture .missing polygon, .architecture .failing path, .architecture .failing polygon,
.architecture .missing polyline, .architecture .failing polyline { fill: var(--alarm-ground); stroke: var(--alarm); stroke-width: 2.5; }
.architecture .legend polygon, .architecture .legend polyline { fill: none; }
""".strip()

_OPENING = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_TITLE = re.compile(r"<title>.*?</title>\s*", re.DOTALL)


def themed(drawn: str, title: str, description: str) -> str:
    """The SVG element alone, to be written to a file or into a page. drawn: the output of "dot -Tsvg". Raises ValueError if it is no SVG."""
    found = _OPENING.search(drawn)
    if found is None:
        raise ValueError("the output of dot is no SVG")
    # Its own titles repeat the keys of hosts, which nobody else knows; tooltips have the texts.
    body = _TITLE.sub("", drawn[found.end() :])
    opening = re.sub(r'\s(width|height)="[^"]*"', "", found.group(0))
    opening = opening.replace(
        "<svg", '<svg class="architecture" role="img" aria-labelledby="architecture-title architecture-text"', 1
    )
    head = (
        f'<title id="architecture-title">{html.escape(title)}</title>\n<desc id="architecture-text">{html.escape(description)}</desc>\n'
        f"<style>{STYLE}</style>\n"
    )
    return f"{opening}\n{head}{body.strip()}\n"
