# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of Barman's configuration files change, and what is wrong with the desired ones.

This module util is private to the collection.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._barman import configuration
from .._barman.masking import mask_message
from .._barman.option_table import GLOBAL, HOOK_RUNNER, HOOKS, SERVER, OptionScope
from .._barman.options import Problem, deprecated, validate
from .._barman.versions import NEWEST, Version
from .entries import (
    ConfigurationPlan,
    CurrentConfiguration,
    DesiredConfiguration,
    DesiredEntry,
    FileChange,
    entry_path,
    host_of,
    is_renderable,
    is_there,
    render_entry,
    render_problems,
    written,
)
from .handover import FORMER_SLOT, find_unlisted, is_active, with_both_deliveries
from .ini_text import parse_ini, raw_option, rest_of, section_names, set_options, without_section

_NAME = re.compile(r"[^\s.\-\[\]/%#;][^\s\[\]/%#;]*")
_OUR_HOOK = re.compile(rf"\S*/{re.escape(HOOK_RUNNER)} --state ")
_RESERVED = ("all", "barman", "DEFAULT")


def plan(current: CurrentConfiguration, desired: DesiredConfiguration, version: Version = NEWEST) -> ConfigurationPlan:
    """What has to change for that Barman version. Every problem is found before anything is done."""
    problems = declaration_problems(desired)
    if current.main is None and desired.global_options is None:
        problems.append(
            f"{current.main_file} does not exist: install Barman, or set global_options (barman_home at least) to "
            "create it"
        )
    problems.extend(_unreadable(current))
    after: dict[str, str | None] = {path: file.text for path, file in current.files.items()}
    kept_aside: set[str] = set()
    removed: list[str] = []
    handing_over: dict[str, list[str]] = {}
    former_slots: dict[str, list[str]] = {}
    main = _main_text(current, desired, version, problems)
    for entry in desired.entries:
        path = entry_path(current.directory, entry.name)
        if entry.merge:
            if is_there(current, entry) and is_renderable(entry):
                after[path] = _merged(after[path] or "", entry, version)
            continue
        foreign = _foreign(current, entry.name)
        if foreign and not desired.adopt:
            problems.append(_foreign_problem(entry, foreign))
            continue
        if rest_of(_before(current, path) or "", entry.name) is not None and path in foreign:
            problems.append(
                f"server '{entry.name}': {path} contains other servers too and prevents this entry. Choose another "
                "name for the server"
            )
            continue
        for other in foreign:
            kept_aside.add(other)
            if other == current.main_file:
                main = without_section(main or "", entry.name)
            else:
                after[other] = rest_of(after.get(other) or "", entry.name)
        if entry.present:
            noted = replace(entry, host=entry.host or host_of(_before(current, path) or ""))
            after[path] = render_entry(noted, version) if is_renderable(entry) else ""
            if desired.handover and not foreign and path in current.files:
                after[path], left = with_both_deliveries(after[path] or "", current.files[path].text, entry)
                if left:
                    handing_over[entry.name] = left
                if "slot" in left:
                    former_slots[entry.name] = FORMER_SLOT.findall(after[path] or "")
        elif after.get(path) is not None or foreign:
            after[path] = None
            removed.append(entry.name)
    if desired.prune:
        listed = {entry_path(current.directory, entry.name) for entry in desired.entries}
        for path, file in current.files.items():
            name = os.path.basename(path)[: -len(".conf")]
            declared = path in listed or host_of(file.text) in desired.keep
            if file.ours and not declared and is_active(file.text, name):
                after[path] = None
                removed.append(name)
    changes = [
        FileChange(path, _before(current, path), after[path], path in kept_aside)
        for path in sorted(after)
        if _differs(current, path, after[path], kept_aside)
    ]
    if main is not None and main != current.main:
        changes.insert(
            0,
            FileChange(current.main_file, current.main, main, current.main_file in kept_aside),
        )
    stays = {name for name, left in handing_over.items() if "server" in left}
    unlisted = find_unlisted(current, {entry.name for entry in desired.entries} - stays, removed)
    return ConfigurationPlan(
        changes=changes,
        problems=problems,
        warnings=_overridden(current, desired),
        removed=removed,
        handing_over=handing_over,
        former_slots=former_slots,
        unlisted=unlisted,
    )


def option_problems(desired: DesiredConfiguration, version: Version) -> list[str]:
    """What that Barman version has against the declared options, each with the server, the option and the way out."""
    return _named(desired, version, validate)


def option_warnings(desired: DesiredConfiguration, version: Version) -> list[str]:
    """What that Barman version takes and calls deprecated."""
    return _named(desired, version, deprecated)


def _named(
    desired: DesiredConfiguration,
    version: Version,
    validate: Callable[[Mapping[str, Any], Version, OptionScope], list[Problem]],
) -> list[str]:
    found = [f"[barman]: {problem!s}" for problem in validate(desired.global_options or {}, version, GLOBAL)]
    for entry in desired.entries:
        if entry.present:
            problems = validate(entry.options, version, SERVER)
            found.extend(f"server '{entry.name}': {problem!s}" for problem in problems)
    return found


def _merged(text: str, entry: DesiredEntry, version: Version) -> str:
    options = {
        str(name): None if value is None else written(str(name), value, version)
        for name, value in entry.options.items()
    }
    return set_options(text, entry.name, options)


def declaration_problems(desired: DesiredConfiguration) -> list[str]:
    problems: list[str] = []
    names: set[str] = set()
    for entry in desired.entries:
        if not _NAME.fullmatch(entry.name) or entry.name in _RESERVED:
            problems.append(
                (
                    "server '{}': this can't be a server's name. It is also a file name, without blanks and "
                    "brackets, and none "
                    "of {}"
                ).format(entry.name, ", ".join(_RESERVED))
            )
        if entry.name in ("True", "False"):
            problems.append(f"server '{entry.name}': YAML reads a bare on, off, yes or no as a Boolean. Quote the name")
        if entry.name in names:
            problems.append(f"server '{entry.name}': it is listed twice")
        names.add(entry.name)
        if entry.present:
            problems.extend(render_problems(entry.options, f"server '{entry.name}'"))
    problems.extend(render_problems(desired.global_options or {}, "[barman]"))
    return problems


def _main_text(
    current: CurrentConfiguration, desired: DesiredConfiguration, version: Version, problems: list[str]
) -> str | None:
    global_options = desired.global_options
    if global_options is None:
        read_by_barman = raw_option(current.main, "configuration_files_directory")
        same = read_by_barman and os.path.realpath(os.path.expanduser(read_by_barman)) == os.path.realpath(
            current.directory
        )
        if current.main is not None and not same:
            problems.append(
                (
                    "Barman does not read {}: configuration_files_directory in {} is {}. Set that directory as "
                    "configuration_directory, or change it by global_options"
                ).format(current.directory, current.main_file, read_by_barman or "not set")
            )
        return current.main
    if render_problems(global_options, ""):
        return current.main
    options: dict[str, str | None] = {
        str(name): None if value is None else written(str(name), value, version)
        for name, value in global_options.items()
    }
    name = "configuration_files_directory"
    options.setdefault(name, written(name, current.directory, version))
    for hook in HOOKS:
        # The section's other options are somebody else's; what run-hook runs is ours, and would run on.
        if _OUR_HOOK.match(raw_option(current.main, hook) or ""):
            options.setdefault(hook, None)
    return set_options(current.main or "", "barman", options)


def _unreadable(current: CurrentConfiguration) -> list[str]:
    texts = {path: file.text for path, file in current.files.items() if not file.ours}
    if current.main is not None:
        texts[current.main_file] = current.main
    problems = []
    for path, text in sorted(texts.items()):
        try:
            parse_ini(text)
        except configparser.Error as exc:
            problems.append(f"{path} can't be read: {mask_message(' '.join(exc.message.split()))}")
    return problems


def _foreign(current: CurrentConfiguration, name: str) -> list[str]:
    """The files that have this server and were not made by this module."""
    found = [
        path
        for path, file in current.files.items()
        if not file.ours and (name in section_names(file.text) or path == entry_path(current.directory, name))
    ]
    if current.main is not None and name in section_names(current.main):
        found.append(current.main_file)
    return found


def _foreign_problem(entry: DesiredEntry, paths: Sequence[str]) -> str:
    return (
        "server '{}' is in {}, which this module did not create and does not change. To take it over (a backup is "
        "kept), set barman_adopt: true in the inventory or with --extra-vars (option adopt of the module), or "
        "remove the server from that file"
    ).format(entry.name, " and ".join(paths))


def _before(current: CurrentConfiguration, path: str) -> str | None:
    file = current.files.get(path)
    return file.text if file else None


def _differs(current: CurrentConfiguration, path: str, after: str | None, kept_aside: Collection[str]) -> bool:
    file = current.files.get(path)
    if file is None:
        return after is not None
    if file.text != after or path in kept_aside:
        return True
    return file.ours and not file.right


def _overridden(current: CurrentConfiguration, desired: DesiredConfiguration) -> list[str]:
    warnings: list[str] = []
    for entry in desired.entries:
        for name in sorted(set(current.automatic.get(entry.name, ())) & set(map(str, entry.options))):
            if entry.present:
                warnings.append(
                    f"server '{entry.name}': option '{name}' has no effect, because {configuration.AUTOMATIC_FILE} "
                    "overrides it ('barman config-update' wrote that)"
                )
    return warnings
