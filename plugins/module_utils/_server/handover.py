# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry keeps while its server is handed over, and entries that are not listed.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from .._barman.options import parse_bool
from .._postgres.conninfo import conninfo_words
from .entries import CurrentConfiguration, DesiredEntry, host_of
from .ini_text import section_of, set_options

FORMER_SLOT = re.compile(r"^# Its former replication slot: (\S+)$", re.MULTILINE)
# The options of an entry that only streaming needs. While streaming is being stopped, they are needed until the slot is dropped.
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


def with_both_deliveries(text: str, present: str, entry: DesiredEntry) -> tuple[str, list[str]]:
    """The entry's new text, with the present way of delivering WAL in addition; and the parts that were added.

    An active entry that is to be passive can't be both: it stays as it is (server). A slot that has another
    name now is noted, because nothing else records it (slot).
    """
    now = section_of(present, entry.name)
    new = section_of(text, entry.name)
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
    slots = [*FORMER_SLOT.findall(present), now.get("slot_name") or ""]
    slot = section_of(text, entry.name).get("slot_name")
    former = sorted({name for name in slots if name} - {slot}) if slot else []
    if former:
        left.append("slot")
        notes = "".join(f"# Its former replication slot: {name}\n" for name in former)
        text = text.replace("\n\n[", f"\n{notes}\n[", 1)
    return text, left


def _on(value: str | None) -> bool:
    return parse_bool(value) is True


def _is_passive(options: Mapping[str, str]) -> bool:
    return bool(options.get("primary_ssh_command"))


def _users(options: Mapping[str, str]) -> list[str]:
    """The database roles that Barman logs in with, each once."""
    words = [conninfo_words(options.get(name) or "") for name in ("conninfo", "streaming_conninfo")]
    return list(dict.fromkeys(one["user"] for one in words if one.get("user")))


def is_active(text: str, name: str) -> bool:
    """Whether Barman works for the server of this entry. A decommission or a handover makes an entry inactive, and keeps it with its backups."""
    return _on(section_of(text, name).get("active", "on"))


def find_unlisted(
    current: CurrentConfiguration, listed: Collection[str], removed: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The entries of ours that are not among these, as module server returns them."""
    found = []
    for path, file in sorted(current.files.items()):
        name = os.path.basename(path)[: -len(".conf")]
        if not file.ours or name in listed or name in removed:
            continue
        options = section_of(file.text, name)
        found.append(
            {
                "name": name,
                "host": host_of(file.text),
                "active": is_active(file.text, name),
                "passive": _is_passive(options),
                "streaming": _on(options.get("streaming_archiver")),
                "archiving": _on(options.get("archiver")),
                "slot_name": options.get("slot_name"),
                "users": _users(options),
                "receiver_name": options.get("streaming_archiver_name"),
            }
        )
    return found
