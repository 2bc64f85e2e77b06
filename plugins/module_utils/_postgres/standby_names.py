# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's synchronous_standby_names: read and validated, and changed for Barman's receivers.

This module util is private to the collection. Pure.

A receiver is added so that every commit waits for it, whatever the other standbys are. By PostgreSQL's grammar, that is a list of
which all have to answer. If fewer than all have to, the list can't require one of them always.

The collection recognizes a name that it added by its quotes, which a name of letters, digits and underscores does not need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .._host.process import HostError

#: Names that are added. The beginning distinguishes them from other names that somebody quoted without need.
OUR_NAME = re.compile(r"barman[A-Za-z0-9_]*")

_TOKEN = re.compile(
    r"(?P<space>[ \t\n\r\f\v]+)|(?P<number>[0-9]+)|(?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9$\x80-\U0010ffff]*)"
    r'|(?P<quoted>"(?:[^"]|"")*")|(?P<mark>[*,()])'
)


class StandbyNamesError(HostError):
    """The setting can't be read, or can't be changed without taking something from somebody."""


@dataclass(frozen=True)
class StandbyName:
    """One of the list. written: as it stands there, with its quotes."""

    name: str
    written: str


SynchronousMethod = Literal["FIRST", "ANY"]
_METHODS: Mapping[str, SynchronousMethod] = {"FIRST": "FIRST", "ANY": "ANY"}


@dataclass(frozen=True)
class StandbyNames:
    """The setting. number: how many of them a commit waits for. method: FIRST of the list, or ANY."""

    method: SynchronousMethod
    number: int
    standbys: tuple[StandbyName, ...]

    def __str__(self) -> str:
        if not self.standbys:
            return ""
        return f"{self.method} {self.number} ({', '.join(item.written for item in self.standbys)})"

    @property
    def names(self) -> list[str]:
        return [item.name for item in self.standbys]

    def same_as(self, other: StandbyNames) -> bool:
        return self.names == other.names and (
            not self.names or (self.method, self.number) == (other.method, other.number)
        )

    @property
    def not_all(self) -> str:
        """Why a commit does not wait for each of them by its name; empty where it does."""
        if "*" in self.names:
            return "in this list * means any standby"
        if len({name.lower() for name in self.names}) < len(self.names):
            return "it has a name twice"
        if self.number < len(self.names):
            return f"with this list commits wait for {self.number} of {len(self.names)} standbys"
        if self.number > len(self.names):
            return "it requires more standbys than it names"
        return ""


@dataclass(frozen=True)
class Change:
    """What the setting is to be. value: None if it is removed from the value of ALTER SYSTEM. It is the same as current if
    nothing has to be done."""

    value: str | None
    current: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.added or self.removed)


EMPTY = StandbyNames("FIRST", 1, ())


def parse(text: str) -> StandbyNames:
    """Read the setting, as PostgreSQL's own grammar does. Raises StandbyNamesError."""
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _unreadable(text)
        at = found.end()
        if found.lastgroup != "space":
            tokens.append((str(found.lastgroup), found.group()))
    if not tokens:
        return EMPTY
    method: SynchronousMethod = "FIRST"
    number = 1
    first = tokens[0][1].upper() if tokens[0][0] == "word" else ""
    if first in _METHODS:
        method = _METHODS[first]
        tokens = tokens[1:]
        if len(tokens) < 2 or tokens[1][1] != "(":
            raise _unreadable(text)
    if len(tokens) > 1 and tokens[1] == ("mark", "("):
        if tokens[0][0] != "number" or tokens[-1] != ("mark", ")"):
            raise _unreadable(text)
        number = int(tokens[0][1])
        tokens = tokens[2:-1]
    standbys = [_standby(kind, word, text) for kind, word in tokens[::2]]
    if len(tokens) % 2 == 0 or any(token != ("mark", ",") for token in tokens[1::2]) or number < 1:
        raise _unreadable(text)
    return StandbyNames(method, number, tuple(standbys))


def _standby(kind: str, word: str, text: str) -> StandbyName:
    if kind == "quoted":
        return StandbyName(word[1:-1].replace('""', '"'), word)
    if kind == "number" or word == "*" or (kind == "word" and word.upper() not in _METHODS):
        return StandbyName(word, word)
    raise _unreadable(text)


def _unreadable(text: str) -> StandbyNamesError:
    return StandbyNamesError(f"synchronous_standby_names is '{text}', which can't be read")


def require_our_names(names: Iterable[str]) -> None:
    """Raises HostError if this collection could not distinguish a name from others' later."""
    invalid = [name for name in names if not OUR_NAME.fullmatch(name)]
    if invalid:
        raise HostError(
            "names: {}: a name starts with barman, and contains only letters, digits and underscores".format(
                ", ".join(map(repr, invalid))
            )
        )


def names(text: str, name: str) -> bool:
    """Whether the setting names this standby. PostgreSQL ignores case."""
    return name.lower() in (item.lower() for item in parse(text).names)


def needed_of_any(text: str) -> int:
    """How many standbys a commit waits for if the setting takes any standby (*); 0 if it does not."""
    found = parse(text)
    return found.number if "*" in found.names else 0


def without(text: str, name: str) -> str:
    """The setting without this standby, and without *, which means it, too."""
    found = parse(text)
    rest = tuple(item for item in found.standbys if item.name.lower() != name.lower() and item.name != "*")
    return str(StandbyNames(found.method, max(1, found.number - len(found.standbys) + len(rest)), rest))


def never_without(text: str, name: str) -> str:
    """Why commits can be acknowledged without this standby; empty where they always wait for it."""
    found = parse(text)
    if name not in found.names:
        listed = f"is '{text}'" if text else "is empty"
        return f"synchronous_standby_names {listed}, and does not name {name}"
    if found.not_all:
        return f"synchronous_standby_names is '{text}': {found.not_all}"
    return ""


def change(altered: str | None, beneath: str, desired: Sequence[str], unwanted: Sequence[str] | None = None) -> Change:
    """Make commits wait for the desired receivers, and not for others that were added here before.

    altered: what ALTER SYSTEM wrote; None if it wrote nothing. beneath: what holds without that. unwanted: these of
    the names that were added, and no others, go; None for all that are not desired.
    """
    current = altered if altered is not None else beneath
    now = parse(current)
    below = parse(beneath)
    gone = [
        item
        for item in (now.standbys if altered is not None else ())
        if _is_ours(item) and item.name not in below.names and item.name not in desired
        if unwanted is None or item.name in unwanted
    ]
    rest = StandbyNames(
        now.method, max(1, now.number - len(gone)), tuple(item for item in now.standbys if item not in gone)
    )
    missing = [name for name in desired if name not in rest.names]
    if desired:
        _refuse_if_not_all(current, rest, desired)
    new = rest
    if missing:
        ours = tuple(StandbyName(name, f'"{name}"') for name in missing)
        # In front: of several standbys by one name, those that come later in the list are the ones that are not waited for.
        new = StandbyNames(rest.method, len(ours) + len(rest.standbys), ours + rest.standbys)
    value = None if new.same_as(below) else str(new)
    return Change(value, current, tuple(missing), tuple(item.name for item in gone))


def _is_ours(standby: StandbyName) -> bool:
    return standby.written == f'"{standby.name}"' and OUR_NAME.fullmatch(standby.name) is not None


def _refuse_if_not_all(current: str, rest: StandbyNames, desired: Sequence[str]) -> None:
    """Raise StandbyNamesError if commits would be acknowledged without the desired ones, whatever is added."""
    for name in desired:
        twins = [item.name for item in rest.standbys if item.name.lower() == name.lower() and item.name != name]
        if twins:
            raise StandbyNamesError(
                f"synchronous_standby_names is '{current}'. PostgreSQL reads {twins[0]} there as {name}, and Barman "
                f"does not. Write it as {name}, "
                "with ALTER SYSTEM SET or in the file that sets it, and run the playbook again"
            )
    if not rest.standbys or not rest.not_all:
        return
    others = [item.written for item in rest.standbys if item.name not in (*desired, "*")]
    if "*" in rest.names:
        others.append("NAME")
    everyone = [*desired, *others]
    alone = f" or 'FIRST {len(desired)} ({', '.join(desired)})' to wait for Barman only" if others else ""
    raise StandbyNamesError(
        (
            "synchronous_standby_names is '{}': {}. PostgreSQL can't wait for Barman's receiver always and in addition "
            "for some of the others, so the module does not change this. Set the intended value with ALTER SYSTEM SET "
            "synchronous_standby_names: 'FIRST {} ({})' to wait for all of them,{}; or remove barman_synchronous"
        ).format(current, rest.not_all, len(everyone), ", ".join(everyone), alone)
    )
