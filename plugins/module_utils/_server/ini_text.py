# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of INI files as Barman reads them: one option or section changes, and every other line stays.

This module util is private to the collection.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Mapping, Sequence

_SECTION = re.compile(r"^\[(?P<name>.+)\]")
OPTION = re.compile(r"^(?P<name>[^\s#;\[=:][^=:]*?)\s*[=:]")


def set_options(text: str, section: str, options: Mapping[str, str | None]) -> str:
    """The text with these options in that section, and everything else in it as it was; None takes an option out."""
    lines = text.splitlines()
    start, end = _bounds(lines, section)
    if start is None:
        written = [f"{name} = {value}" for name, value in options.items() if value is not None]
        return "\n".join([*lines, *([""] if lines else []), f"[{section}]", *written]) + "\n"
    body: list[str] = []
    written_names: set[str] = set()
    for name, block in _blocks(lines[start + 1 : end]):
        if name is None or name not in options:
            body.extend(block)
        elif name not in written_names and options[name] is not None:
            same = _value_of(block) == options[name]
            body.extend(block if same else [f"{name} = {options[name]}"])
            written_names.add(name)
    new = [f"{name} = {value}" for name, value in options.items() if value is not None and name not in written_names]
    cut = len(body)
    while cut and not body[cut - 1].strip():
        cut -= 1
    body[cut:cut] = new
    return "\n".join([*lines[: start + 1], *body, *lines[end:]]) + "\n"


def without_section(text: str, section: str) -> str:
    """The text without every section of that name."""
    lines = text.splitlines()
    while True:
        start, end = _bounds(lines, section)
        if start is None:
            return "\n".join(lines) + "\n" if lines else ""
        del lines[start:end]


def section_of(text: str, name: str) -> dict[str, str]:
    """A section's options as they are written; none where the text can't be read."""
    try:
        parser = parse_ini(text)
    except configparser.Error:
        return {}
    return dict(parser[name]) if parser.has_section(name) else {}


def rest_of(text: str, name: str) -> str | None:
    """What is left of a foreign file without that server; None where nothing is left that means something."""
    rest = without_section(text, name)
    return rest if section_names(rest) else None


def parse_ini(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return parser


def section_names(text: str) -> list[str]:
    try:
        return parse_ini(text).sections()
    except configparser.Error:
        return [found.group("name") for found in map(_SECTION.match, text.splitlines()) if found]


def sections_and_options(text: str) -> dict[str, list[str]]:
    try:
        parser = parse_ini(text)
    except configparser.Error:
        return {}
    return {section: parser.options(section) for section in parser.sections()}


def raw_option(text: str | None, name: str) -> str | None:
    try:
        return parse_ini(text or "").get("barman", name, fallback=None)
    except configparser.Error:
        return None


def _bounds(lines: Sequence[str], section: str) -> tuple[int | None, int]:
    """Where a section begins (its header's line) and ends (the line after its last)."""
    start = None
    for number, line in enumerate(lines):
        found = _SECTION.match(line)
        if found and start is not None:
            return start, number
        if found and found.group("name") == section:
            start = number
    return start, len(lines)


def _blocks(lines: Sequence[str]) -> Iterable[tuple[str | None, list[str]]]:
    """The lines of a section in groups: an option with its continuation lines, or a line of another kind."""
    block: list[str] = []
    name: str | None = None
    for line in lines:
        if name is not None and line[:1].isspace() and line.strip() and not line.strip().startswith(("#", ";")):
            block.append(line)
            continue
        if block:
            yield name, block
        found = OPTION.match(line)
        name = found.group("name").lower() if found else None
        block = [line]
    if block:
        yield name, block


def _value_of(block: Sequence[str]) -> str:
    parts = [re.split(r"[=:]", block[0], maxsplit=1)[1], *block[1:]]
    return "\n".join(part.strip() for part in parts)
