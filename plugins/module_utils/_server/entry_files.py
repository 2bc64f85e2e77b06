# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files with Barman's server entries: how they are written, and what has to change to have them as declared.

This module util is private to the collection. Everything but read_current() and write_copy() is pure: texts in, texts out.
staging.py has the installed Barman read the result and moves it in place.
"""

from __future__ import annotations

import configparser
import glob
import os
import pwd
import re
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._barman import configuration
from .._barman.masking import mask, mask_message
from .._barman.option_table import GLOBAL, HOOK_RUNNER, HOOKS, SECRET_OPTIONS, SERVER
from .._barman.options import Problem, deprecated, parse_bool, render_value, validate
from .._barman.versions import NEWEST, Version
from .._host.files import read_text, write_atomic
from .._host.identity import acting_as

MARK = "# Made by Ansible (pgdr.barman.server)."
HEADER = MARK + " What is changed here by hand is lost at the next run.\n"

COPY_MAIN_FILE = "barman.conf"

# A server's entry may hold passwords: Barman's user reads it, and nobody else.
ENTRY_MODE = 0o600

_SECTION = re.compile(r"^\[(?P<name>.+)\]")
_OPTION = re.compile(r"^(?P<name>[^\s#;\[=:][^=:]*?)\s*[=:]")
_NAME = re.compile(r"[^\s.\-\[\]/%#;][^\s\[\]/%#;]*")
_HOST = re.compile(r"^# For the inventory host (\S+)\.$", re.MULTILINE)
_FORMER_SLOT = re.compile(r"^# Its former replication slot: (\S+)$", re.MULTILINE)
_OUR_HOOK = re.compile(r"\S*/%s --state " % re.escape(HOOK_RUNNER))
_RESERVED = ("all", "barman", "DEFAULT")
# What an entry has for streaming alone. While streaming is given up, all of it is needed until the slot is gone.
_STREAMING_OPTIONS = (
    "streaming_archiver",
    "slot_name",
    "create_slot",
    "streaming_conninfo",
    "wal_conninfo",
    "wal_streaming_conninfo",
    "streaming_archiver_name",
    "streaming_archiver_batch_size",
)


@dataclass(frozen=True)
class Entry:
    """A server's entry as it is declared.

    host: the inventory host that it is for, noted in its file. merge: these options are put into the entry of ours that
    is there, and nothing is done where there is none.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    present: bool = True
    host: str | None = None
    merge: bool = False


@dataclass(frozen=True)
class Desired:
    """What is declared.

    global_options: of the [barman] section; None where that is not managed. keep: the inventory hosts whose entries prune leaves. handover: the way
    by which WAL comes now stays beside the new one.
    """

    entries: Sequence[Entry] = ()
    global_options: Mapping[str, Any] | None = None
    prune: bool = False
    adopt: bool = False
    keep: Collection[str] = ()
    handover: bool = False


@dataclass(frozen=True)
class File:
    """A file as it is. right: whether its owner and mode are those of an entry."""

    text: str
    right: bool = True

    @property
    def ours(self) -> bool:
        return self.text.startswith(MARK)


@dataclass(frozen=True)
class Current:
    """The configuration as it is on the host.

    files: the *.conf files of the directory. automatic: what .barman.auto.conf overrides, by section.
    main: the main file's text; None where there is none.
    """

    main_file: str
    directory: str
    main: str | None = None
    files: Mapping[str, File] = field(default_factory=dict)
    automatic: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One file's change. before None: it is new; after None: it goes away. backup: what was there is kept aside."""

    path: str
    before: str | None
    after: str | None
    backup: bool = False

    @property
    def entry(self) -> bool:
        """Whether it becomes a file of ours."""
        return self.after is not None and self.after.startswith(MARK)


@dataclass(frozen=True)
class Plan:
    """What has to be done; problems where it can't be done at all, then nothing is.

    handing_over: what entries still have that is not declared any more. former_slots: those that receivers had before. unlisted: the
    entries of ours that are not declared, or not so, and stay. directories: those of servers that have to be made.
    """

    changes: Sequence[Change] = ()
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    removed: Sequence[str] = ()
    handing_over: Mapping[str, Sequence[str]] = field(default_factory=dict)
    former_slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unlisted: Sequence[Mapping[str, Any]] = ()
    directories: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.directories)


def read_current(
    config_file: str | None, directory: str | None, user: str, global_options: Mapping[str, Any] | None
) -> Current:
    """Read the files as they are. Raises HostError where a file that is needed can't be read."""
    main_path = _main_path(config_file, user, global_options)
    main = read_text(main_path)
    managed = global_options or {}
    chosen = (
        managed.get("configuration_files_directory")
        or directory
        or _raw_option(main, "configuration_files_directory")
        or "/etc/barman.d"
    )
    chosen = os.path.expanduser(str(chosen)).rstrip("/") or "/"
    owner = _uid(user)
    files: dict[str, File] = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(chosen), "*.conf"))):
        text = read_text(path)
        if text is not None:
            found = os.stat(path)
            right = stat.S_IMODE(found.st_mode) == ENTRY_MODE and owner in (None, found.st_uid)
            files[path] = File(text, right)
    home = managed.get("barman_home") or _raw_option(main, "barman_home") or "/var/lib/barman"
    automatic = read_text(os.path.join(str(home), configuration.AUTOMATIC_FILE))
    return Current(main_path, chosen, main, files, _sections_and_options(automatic or ""))


def write_copy(
    directory: str, user: str, main: str, entries: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> None:
    """Have a configuration in another directory that is there, as COPY_MAIN_FILE, for that user's eyes only.

    main: the main file's text; options: what its [barman] section has instead there. entries: text by path, of which
    the name is kept. Raises HostError.
    """
    servers = os.path.join(directory, "barman.d")
    text = set_options(main, "barman", {"configuration_files_directory": servers, **(options or {})})
    with acting_as(user):
        os.mkdir(servers, 0o700)
        for path, entry in entries.items():
            write_atomic(os.path.join(servers, os.path.basename(path)), entry, ENTRY_MODE)
        write_atomic(os.path.join(directory, COPY_MAIN_FILE), text, ENTRY_MODE)


def plan(current: Current, desired: Desired, version: Version = NEWEST) -> Plan:
    """What has to change for that Barman version. Every problem is found before anything is done."""
    problems = _declaration_problems(desired)
    if current.main is None and desired.global_options is None:
        problems.append(
            "%s does not exist: install Barman, or give global_options (barman_home at least) to have it made"
            % current.main_file
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
            if is_there(current, entry) and _renderable(entry):
                after[path] = _merged(after[path] or "", entry, version)
            continue
        foreign = _foreign(current, entry.name)
        if foreign and not desired.adopt:
            problems.append(_foreign_problem(entry, foreign))
            continue
        if _rest(_before(current, path) or "", entry.name) is not None and path in foreign:
            problems.append(
                "server '%s': %s has other servers too and is in the way; give it another name" % (entry.name, path)
            )
            continue
        for other in foreign:
            kept_aside.add(other)
            if other == current.main_file:
                main = without_section(main or "", entry.name)
            else:
                after[other] = _rest(after.get(other) or "", entry.name)
        if entry.present:
            noted = replace(entry, host=entry.host or _host_of(_before(current, path) or ""))
            after[path] = render_entry(noted, version) if _renderable(entry) else ""
            if desired.handover and not foreign and path in current.files:
                after[path], left = _both_ways(after[path] or "", current.files[path].text, entry)
                if left:
                    handing_over[entry.name] = left
                if "slot" in left:
                    former_slots[entry.name] = _FORMER_SLOT.findall(after[path] or "")
        elif after.get(path) is not None or foreign:
            after[path] = None
            removed.append(entry.name)
    if desired.prune:
        listed = {entry_path(current.directory, entry.name) for entry in desired.entries}
        for path, file in current.files.items():
            if file.ours and path not in listed and _host_of(file.text) not in desired.keep:
                after[path] = None
                removed.append(os.path.basename(path)[: -len(".conf")])
    changes = [
        Change(path, _before(current, path), after[path], path in kept_aside)
        for path in sorted(after)
        if _differs(current, path, after[path], kept_aside)
    ]
    if main is not None and main != current.main:
        changes.insert(
            0,
            Change(current.main_file, current.main, main, current.main_file in kept_aside),
        )
    stays = {name for name, left in handing_over.items() if "server" in left}
    unlisted = find_unlisted(current, {entry.name for entry in desired.entries} - stays, removed)
    return Plan(changes, problems, _overridden(current, desired), removed, handing_over, former_slots, unlisted)


def option_problems(desired: Desired, version: Version) -> list[str]:
    """What that Barman version has against the declared options, each with the server, the option and the way out."""
    return _told(desired, version, validate)


def option_warnings(desired: Desired, version: Version) -> list[str]:
    """What that Barman version takes and calls deprecated."""
    return _told(desired, version, deprecated)


def _told(
    desired: Desired, version: Version, judge: Callable[[Mapping[str, Any], Version, str], list[Problem]]
) -> list[str]:
    found = ["[barman]: %s" % str(problem) for problem in judge(desired.global_options or {}, version, GLOBAL)]
    for entry in desired.entries:
        if entry.present:
            problems = judge(entry.options, version, SERVER)
            found.extend("server '%s': %s" % (entry.name, str(problem)) for problem in problems)
    return found


def entry_path(directory: str, name: str) -> str:
    return os.path.join(directory, name + ".conf")


def needs_version(desired: Desired) -> bool:
    """Whether what is written depends on Barman's version: see written()."""
    options = [desired.global_options or {}, *(entry.options for entry in desired.entries)]
    return any("%" in str(value) for values in options for value in values.values())


def written(name: str, value: Any, version: Version) -> str:
    """An option's value as a file for that Barman version has it. Raises ValueError.

    Barman 3.10 and later copy every file from one parser to another, and each takes one level of "%%" away.
    """
    text = render_value(name, value)
    return text.replace("%", "%%") if version >= (3, 10) else text


def render_entry(entry: Entry, version: Version = NEWEST) -> str:
    """The file of one server. An option whose value is None is not written: Barman's default is meant."""
    lines = ["%s = %s" % (name, written(name, value, version)) for name, value in _given(entry.options)]
    note = "# For the inventory host %s.\n" % entry.host if entry.host else ""
    return "%s%s\n[%s]\n%s" % (HEADER, note, entry.name, "".join(line.rstrip() + "\n" for line in lines))


def is_there(current: Current, entry: Entry) -> bool:
    """Whether there is an entry of ours for that server."""
    file = current.files.get(entry_path(current.directory, entry.name))
    return file is not None and file.ours and entry.name in _section_names(file.text)


def set_options(text: str, section: str, options: Mapping[str, str | None]) -> str:
    """The text with these options in that section, and everything else in it as it was; None takes an option out."""
    lines = text.splitlines()
    start, end = _bounds(lines, section)
    if start is None:
        written = ["%s = %s" % (name, value) for name, value in options.items() if value is not None]
        return "\n".join([*lines, *([""] if lines else []), "[%s]" % section, *written]) + "\n"
    body: list[str] = []
    written_names: set[str] = set()
    for name, block in _blocks(lines[start + 1 : end]):
        if name is None or name not in options:
            body.extend(block)
        elif name not in written_names and options[name] is not None:
            same = _value_of(block) == options[name]
            body.extend(block if same else ["%s = %s" % (name, options[name])])
            written_names.add(name)
    new = [
        "%s = %s" % (name, value) for name, value in options.items() if value is not None and name not in written_names
    ]
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


def masked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for output, without their passwords."""
    return {
        name: mask("%s = %s" % (name, value)).partition(" = ")[2]
        if name in SECRET_OPTIONS or isinstance(value, str)
        else value
        for name, value in options.items()
    }


def diff(changes: Iterable[Change]) -> list[dict[str, str]]:
    """For Ansible's --diff: each file before and after, without passwords."""
    found = []
    for change in changes:
        before, after = mask(change.before or ""), mask(change.after or "")
        if before == after and change.before != change.after:
            after += "# a password differs (not shown)\n"
        elif before == after:
            before += "# owner or mode differs\n"
        found.append(
            {
                "before_header": change.path if change.before is not None else "%s (absent)" % change.path,
                "after_header": change.path if change.after is not None else "%s (absent)" % change.path,
                "before": before,
                "after": after,
            }
        )
    return found


def _merged(text: str, entry: Entry, version: Version) -> str:
    options = {
        str(name): None if value is None else written(str(name), value, version)
        for name, value in entry.options.items()
    }
    return set_options(text, entry.name, options)


def _both_ways(text: str, present: str, entry: Entry) -> tuple[str, list[str]]:
    """The entry's new text with what it takes for WAL to come as it comes now, too; and what that is.

    An active entry that is to be passive can't be both: it stays as it is (server). A slot that is named otherwise now
    is noted, because nothing else tells of it (slot).
    """
    now = _section_of(present, entry.name)
    new = _section_of(text, entry.name)
    if not _on(now.get("active", "on")) or _is_passive(now):
        return text, []
    if _is_passive(new):
        return present, ["server"]
    kept: dict[str, str | None] = {}
    left = []
    if _on(now.get("streaming_archiver")) and not _on(new.get("streaming_archiver")):
        left.append("streaming")
        kept.update({name: now[name] for name in _STREAMING_OPTIONS if name in now and name not in new})
        kept["streaming_archiver"] = now["streaming_archiver"]
    if _on(now.get("archiver")) and not _on(new.get("archiver")):
        left.append("archiving")
        kept["archiver"] = now["archiver"]
    text = set_options(text, entry.name, kept) if kept else text
    slots = [*_FORMER_SLOT.findall(present), now.get("slot_name") or ""]
    slot = _section_of(text, entry.name).get("slot_name")
    former = sorted({name for name in slots if name} - {slot}) if slot else []
    if former:
        left.append("slot")
        notes = "".join("# Its former replication slot: %s\n" % name for name in former)
        text = text.replace("\n\n[", "\n%s\n[" % notes, 1)
    return text, left


def replaced_options(change: Change) -> tuple[str, dict[str, str], dict[str, str]] | None:
    """The server of an entry of ours that is replaced, and its options before and after; None for any other change."""
    if change.before is None or change.after is None or not change.entry:
        return None
    name = os.path.basename(change.path)[: -len(".conf")]
    return name, _section_of(change.before, name), _section_of(change.after, name)


def find_unlisted(current: Current, listed: Collection[str], removed: Collection[str] = ()) -> list[dict[str, Any]]:
    """The entries of ours that are not among these, as module server returns them."""
    found = []
    for path, file in sorted(current.files.items()):
        name = os.path.basename(path)[: -len(".conf")]
        if not file.ours or name in listed or name in removed:
            continue
        options = _section_of(file.text, name)
        found.append(
            {
                "name": name,
                "host": _host_of(file.text),
                "active": _on(options.get("active", "on")),
                "passive": _is_passive(options),
                "streaming": _on(options.get("streaming_archiver")),
                "archiving": _on(options.get("archiver")),
                "slot_name": options.get("slot_name"),
            }
        )
    return found


def _host_of(text: str) -> str | None:
    found = _HOST.search(text)
    return found.group(1) if found else None


def _section_of(text: str, name: str) -> dict[str, str]:
    """A section's options as they are written; none where the text can't be read."""
    try:
        parser = _parse(text)
    except configparser.Error:
        return {}
    return dict(parser[name]) if parser.has_section(name) else {}


def _on(value: str | None) -> bool:
    return parse_bool(value) is True


def _is_passive(options: Mapping[str, str]) -> bool:
    return bool(options.get("primary_ssh_command"))


def _given(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted((str(name), value) for name, value in options.items() if value is not None)


def _renderable(entry: Entry) -> bool:
    """Whether its values can be written; what can't be is told by _declaration_problems."""
    return not _render_problems(entry.options, "")


def _render_problems(options: Mapping[str, Any], where: str) -> list[str]:
    found: list[str] = []
    for name, value in _given(options):
        try:
            render_value(name, value)
        except ValueError as exc:
            found.append("%s: %s" % (where, exc))
        if name.endswith("conninfo") and not all("=" in part for part in str(value).split()):
            found.append(
                "%s: %s: Barman takes a connection string apart at every blank, so no value in it can have one, and it "
                "does not understand URLs; write key=value pairs, and put such a password into .pgpass" % (where, name)
            )
        if not _OPTION.match("%s = x" % name) or name != name.strip():
            found.append("%s: %r can't be the name of an option" % (where, name))
    return found


def _declaration_problems(desired: Desired) -> list[str]:
    problems: list[str] = []
    seen: set[str] = set()
    for entry in desired.entries:
        if not _NAME.fullmatch(entry.name) or entry.name in _RESERVED:
            problems.append(
                "server '%s': this can't be a server's name; it is a file's name too, without blanks and "
                "brackets, and none of %s" % (entry.name, ", ".join(_RESERVED))
            )
        if entry.name in ("True", "False"):
            problems.append("server '%s': YAML reads a bare on, off, yes or no so; quote the name" % entry.name)
        if entry.name in seen:
            problems.append("server '%s': it is listed twice" % entry.name)
        seen.add(entry.name)
        if entry.present:
            problems.extend(_render_problems(entry.options, "server '%s'" % entry.name))
    problems.extend(_render_problems(desired.global_options or {}, "[barman]"))
    return problems


def _main_path(config_file: str | None, user: str, global_options: Mapping[str, Any] | None) -> str:
    try:
        return os.path.realpath(configuration.main_file(config_file, configuration.candidates(user)))
    except configuration.ConfigurationError:
        return os.path.realpath(config_file or configuration.MAIN_FILES[0])


def _main_text(current: Current, desired: Desired, version: Version, problems: list[str]) -> str | None:
    wanted = desired.global_options
    if wanted is None:
        read_by_barman = _raw_option(current.main, "configuration_files_directory")
        same = read_by_barman and os.path.realpath(os.path.expanduser(read_by_barman)) == os.path.realpath(
            current.directory
        )
        if current.main is not None and not same:
            problems.append(
                "Barman does not read %s: configuration_files_directory in %s is %s; give that directory, or set it "
                "by global_options" % (current.directory, current.main_file, read_by_barman or "not set")
            )
        return current.main
    if _render_problems(wanted, ""):
        return current.main
    options: dict[str, str | None] = {
        str(name): None if value is None else written(str(name), value, version) for name, value in wanted.items()
    }
    name = "configuration_files_directory"
    options.setdefault(name, written(name, current.directory, version))
    for hook in HOOKS:
        # The section's other options are somebody else's; what run-hook runs is ours, and would run on.
        if _OUR_HOOK.match(_raw_option(current.main, hook) or ""):
            options.setdefault(hook, None)
    return set_options(current.main or "", "barman", options)


def _unreadable(current: Current) -> list[str]:
    texts = {path: file.text for path, file in current.files.items() if not file.ours}
    if current.main is not None:
        texts[current.main_file] = current.main
    problems = []
    for path, text in sorted(texts.items()):
        try:
            _parse(text)
        except configparser.Error as exc:
            problems.append("%s can't be read: %s" % (path, mask_message(" ".join(exc.message.split()))))
    return problems


def _foreign(current: Current, name: str) -> list[str]:
    """The files that have this server and were not made by this module."""
    found = [
        path
        for path, file in current.files.items()
        if not file.ours and (name in _section_names(file.text) or path == entry_path(current.directory, name))
    ]
    if current.main is not None and name in _section_names(current.main):
        found.append(current.main_file)
    return found


def _foreign_problem(entry: Entry, paths: Sequence[str]) -> str:
    return (
        "server '%s' is in %s, which this module did not make and leaves alone; to have it taken over (a backup is kept), set "
        "backup_adopt: true in the inventory or with --extra-vars (option adopt of the module), or take the server out of there"
        % (entry.name, " and ".join(paths))
    )


def _rest(text: str, name: str) -> str | None:
    """What is left of a foreign file without that server; None where nothing is left that means something."""
    rest = without_section(text, name)
    return rest if _section_names(rest) else None


def _before(current: Current, path: str) -> str | None:
    file = current.files.get(path)
    return file.text if file else None


def _differs(current: Current, path: str, after: str | None, kept_aside: Collection[str]) -> bool:
    file = current.files.get(path)
    if file is None:
        return after is not None
    if file.text != after or path in kept_aside:
        return True
    return file.ours and not file.right


def _overridden(current: Current, desired: Desired) -> list[str]:
    warnings: list[str] = []
    for entry in desired.entries:
        for name in sorted(set(current.automatic.get(entry.name, ())) & set(map(str, entry.options))):
            if entry.present:
                warnings.append(
                    "server '%s': option '%s' has no effect, because %s overrides it ('barman config-update' wrote "
                    "that)" % (entry.name, name, configuration.AUTOMATIC_FILE)
                )
    return warnings


def _parse(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return parser


def _section_names(text: str) -> list[str]:
    try:
        return _parse(text).sections()
    except configparser.Error:
        return [found.group("name") for found in map(_SECTION.match, text.splitlines()) if found]


def _sections_and_options(text: str) -> dict[str, list[str]]:
    try:
        parser = _parse(text)
    except configparser.Error:
        return {}
    return {section: parser.options(section) for section in parser.sections()}


def _raw_option(text: str | None, name: str) -> str | None:
    try:
        return _parse(text or "").get("barman", name, fallback=None)
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
        found = _OPTION.match(line)
        name = found.group("name").lower() if found else None
        block = [line]
    if block:
        yield name, block


def _value_of(block: Sequence[str]) -> str:
    parts = [re.split(r"[=:]", block[0], maxsplit=1)[1], *block[1:]]
    return "\n".join(part.strip() for part in parts)


def _uid(user: str) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
