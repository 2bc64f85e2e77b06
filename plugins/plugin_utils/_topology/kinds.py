# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a variable of the inventory is, and the types of their values: each with its words for the documentation, and its parser.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ...module_utils._postgres import privileges
from .._advice import acceptance
from . import drills, hooks, parse

#: Reports what is wrong with a part of a value: the part, the message, and what to write instead.
Report = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Kind:
    """A type of value. words: in the documentation; parse: raises parse.Wrong; parse_parts: for values whose parts can each be wrong."""

    words: str
    parse: Callable[[Any], Any] = parse.text
    parse_parts: Callable[[Any, Report], Any] | None = None
    plural: str = ""


TEXT = Kind("text", plural="texts")
NAME = Kind("text", parse.needed_text, plural="texts")
#: Only whether there is one is ever read of it.
SECRET = Kind("text")
SECRET_DICTIONARY = Kind("dictionary", parse.secret_dictionary)
BOOLEAN = Kind("boolean", parse.boolean)
WHOLE_NUMBER = Kind("integer", parse.integer(0))
PORT = Kind("port", parse.integer(1, 65535))
POSTGRES_VERSION = Kind("integer", parse.integer(privileges.OLDEST, privileges.NEWEST))
BARMAN_VERSION = Kind("version", parse.barman_version)
DICTIONARY = Kind("dictionary", parse.options)
CONNECTION_OPTIONS = Kind("dictionary", parse.connection_options)
HOOKS = Kind("dictionary", parse_parts=hooks.read_hooks)
S3_BUCKET = Kind("dictionary", parse_parts=hooks.read_s3)
PATH = Kind("path", parse.absolute_path)
OPTIONAL_PATH = Kind("path", parse.optional_path)
ROOT_CERTIFICATE = Kind("path", parse.root_certificate)
ADDRESS = Kind("address", parse.address, plural="addresses")
POSTGRES_HOST = Kind("address", parse.postgres_host)
NETWORK = Kind("address", parse.network, plural="addresses")
SERVER_NAME = Kind("text", parse.server_name)
DATABASE = Kind("text", parse.database_name)
#: A role that may be one of PostgreSQL's own.
ROLE_NAME = Kind("text", parse.needed_text)
ROLE = Kind("text", parse.role_name)
OS_USER = Kind("text", parse.os_user)
SLOT_NAME = Kind("slot name", parse.slot_name)
RETENTION = Kind("retention policy", parse.retention)
CRON = Kind("cron expression", parse.cron)
DAYS = Kind("integer", parse.integer(1))
KILOBYTES = Kind("integer", parse.integer(1))
DRILL_AGE = Kind("duration", parse.drill_age)
OBJECTIVE = Kind("duration", parse.objective)
ACCEPTED_FINDINGS = Kind("list of findings", parse_parts=acceptance.read_accepted)
DRILL_QUERIES = Kind("list of queries", parse_parts=drills.read_queries)


def one_of(allowed: tuple[str, ...]) -> Kind:
    return Kind(", ".join(allowed), parse.one_of(allowed))


def list_of(item: Kind, example: str) -> Kind:
    return Kind(f"list of {item.plural or item.words}", parse.list_of(item.parse, example))


#: Codes and severities of findings.
FAIL_ON = list_of(Kind("code", parse.fail_on_word, plural="codes"), "critical")


def public_key(where: str) -> Kind:
    return Kind("public key", parse.public_key(where))


Group = Literal["pg", "backup", "both"]

PG: Group = "pg"
BACKUP: Group = "backup"
BOTH: Group = "both"


@dataclass(frozen=True)
class Variable:
    """One variable that a person sets.

    group: the hosts on which it is read. value: what it is if nobody sets it; None if that follows from other variables. meaning: its sentence
    in the documentation. default: the default in words, if the value alone is not clear.
    """

    name: str
    group: Group
    kind: Kind
    value: Any
    meaning: str
    default: str | None = None

    @property
    def secret(self) -> bool:
        return self.kind in (SECRET, SECRET_DICTIONARY)

    @property
    def default_in_words(self) -> str:
        return in_words(self.value) if self.default is None else self.default


def in_words(value: Any) -> str:
    """A value as the documentation shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return "" if value is None else str(value)
