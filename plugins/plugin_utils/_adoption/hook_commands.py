# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hooks in Barman's configuration that this collection wrote, as values of barman_hooks and barman_s3: the inverse of hooks.hook_options.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._barman.option_table import HOOK_RUNNER
from .._topology.hooks import EXPORT, read_hooks

#: Where the scripts of hooks are, for the inventory.
HOOK_FILES = "{{ inventory_dir }}/hooks/"
_NUMBERS = ("attempts", "pause", "timeout")
_S3_WORDS = {
    "--url": "url",
    "--compression": "compression",
    "--jobs": "jobs",
    "--endpoint-url": "endpoint_url",
    "--region": "region",
    "--encryption": "encryption",
}
_S3_DEFAULTS = {"compression": "none", "jobs": 2}


class FoundHook(NamedTuple):
    """A hook. s3: the value of barman_s3 that it was made from. script: the file on the backup server that came from the controller."""

    value: Any
    directory: str
    s3: Mapping[str, Any] | None = None
    has_keys: bool = False
    script: str | None = None


def hook_of(name: str, command: str, scope: str) -> FoundHook | None:
    """The hook of that option; None if this collection did not write the command. scope: the server's name, or that of all."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if not words or os.path.basename(words[0]) != HOOK_RUNNER or words[1:2] != ["--state"] or "--" not in words:
        return None
    cut = words.index("--")
    limits = dict(zip(words[1:cut:2], words[2:cut:2], strict=False))
    directory, run = os.path.dirname(words[0]), words[cut + 1 :]
    if not run:
        return None
    found = _what(name, run, directory, scope)
    settings: dict[str, Any] = {
        key: int(limits[f"--{key}"]) for key in _NUMBERS if limits.get(f"--{key}", "").isdecimal()
    }
    if "--give-up" in limits:
        settings["give_up"] = limits["--give-up"]
    return found._replace(value=_shortest(name, {**found.value, **settings}))


def _what(name: str, run: Sequence[str], directory: str, scope: str) -> FoundHook:
    if run[0] == f"{directory}/{scope}.{name}":
        arguments = {"arguments": list(run[1:])} if len(run) > 1 else {}
        source = {"source": HOOK_FILES + os.path.basename(run[0]), **arguments}
        return FoundHook(source, directory, script=run[0])
    if run[0] == f"{directory}/{EXPORT}" and run[1:2] == ["tar"]:
        words = [word for word in run[2:] if word != "--mounted"]
        value: dict[str, Any] = {"ready": "tar"}
        value.update({key.removeprefix("--"): item for key, item in zip(words[::2], words[1::2], strict=False)})
        if "--mounted" in run:
            value["mounted"] = True
        return FoundHook(value, directory)
    if run[0] == f"{directory}/{EXPORT}" and run[1:2] == ["s3"]:
        pairs = dict(zip(run[2::2], run[3::2], strict=False))
        s3: dict[str, Any] = {_S3_WORDS[key]: item for key, item in pairs.items() if key in _S3_WORDS}
        s3["jobs"] = int(s3.get("jobs", 2))
        s3 = {key: item for key, item in s3.items() if item != _S3_DEFAULTS.get(key)}
        return FoundHook({"ready": "s3"}, directory, s3, "--profile" in pairs)
    arguments = {"arguments": list(run[1:])} if len(run) > 1 else {}
    return FoundHook({"command": run[0], **arguments}, directory)


def _shortest(name: str, value: Mapping[str, Any]) -> Any:
    """The same hook without what is the default; a path alone if that is all."""
    short = dict(value)
    for key in [*_NUMBERS, "give_up", "compression", "mounted"]:
        without = {one: item for one, item in short.items() if one != key}
        if key in short and _same(name, without, short):
            short = without
    return short["command"] if list(short) == ["command"] else short


def _same(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    def ignore(_where: str, _message: str, _instead: str) -> None:
        return

    # The path of a file of the controller has a template, which is no path.
    first, second = ({**hook, **({"source": "/file"} if "source" in hook else {})} for hook in (one, other))
    return read_hooks({name: first}, ignore) == read_hooks({name: second}, ignore)
