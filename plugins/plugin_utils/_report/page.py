# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as one HTML page, which loads nothing and needs no script.

Private to the collection. Pure: it reads its own template, and nothing else.
"""

from __future__ import annotations

import functools
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from .report import STATE_TEXTS, FleetReport

#: More servers are folded, so that a page of many failures stays readable. The most urgent are first.
_MOST_OPEN = 10
_FOLDER = Path(__file__).parent


@functools.cache
def _template() -> Template:
    # Every text is escaped, whatever a host, a log or an inventory contains.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_FOLDER / "page.html.j2").read_text(encoding="utf-8"))


def page(report: FleetReport, picture: str) -> str:
    """The page. picture: an SVG of svg.themed, whose texts are escaped already."""
    css = (_FOLDER / "page.css").read_text(encoding="utf-8")
    values = {"report": report, "picture": Markup(picture), "css": Markup(css), "symbols": STATE_TEXTS}
    return _template().render(**values, most_open=_MOST_OPEN) + "\n"
