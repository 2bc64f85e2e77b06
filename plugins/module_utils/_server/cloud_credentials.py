# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials of cloud providers, where their libraries read them when Barman's user runs them.

This module util is private to the collection. What somebody else wrote is never changed. No message repeats a value.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._host.process import HostError, lookup_user
from .._host.safe_files import ids_of, make_directories, read_file, remove_file, write_file

AWS_FILE = ".aws/credentials"
GOOGLE_FILE = ".config/gcloud/application_default_credentials.json"

_BEGIN, _END = "# BEGIN pgdr.barman", "# END pgdr.barman"
_BLOCK = re.compile(rf"^{re.escape(_BEGIN)}\n.*?^{re.escape(_END)}\n?", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_.@+ -]*[A-Za-z0-9_.@+-]")
_SETTING = re.compile(r"[a-z][a-z0-9_]*")
# Google's libraries leave alone what they do not know: by this the file is known to be ours.
_MARK = {"managed_by": "pgdr.barman"}


@dataclass(frozen=True)
class CredentialFile:
    """One file of credentials.

    after: None if the file is removed or missing. holds: whether it has the desired content. loose: whether others can read it.
    """

    path: str
    before: str | None
    after: str | None
    holds: bool
    loose: bool = False

    @property
    def changed(self) -> bool:
        return self.before != self.after or (self.holds and self.loose)


def aws_text(before: str | None, profiles: Mapping[str, Any], path: str) -> str | None:
    """The file with these profiles in a block of its own, and all else as it was. Raises HostError."""
    text = before or ""
    others = _BLOCK.sub("", text)
    if _BEGIN in others.splitlines() or _END in others.splitlines():
        raise HostError(f"{path} has one of the lines '{_BEGIN}' and '{_END}' without the other: repair it")
    problems = [problem for name, settings in profiles.items() for problem in _profile_problems(name, settings)]
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        parser.read_string(others)
    except configparser.Error:
        # The parser's own words have the line in them.
        raise HostError(f"{path} is not valid: it does not consist of sections and settings") from None
    problems += [
        (
            f"aws: the profile '{name}' is in {path} already, and somebody else wrote it there. Remove it from that "
            "file, or "
            "choose another name"
        )
        for name in profiles
        if name in parser.sections()
    ]
    if problems:
        raise HostError("\n".join(problems))
    if not profiles:
        # A file that was made for the block goes with it.
        return None if before is None or (others != text and not others.strip()) else others
    lines = [_BEGIN]
    for name in sorted(profiles):
        lines.append(f"[{name}]")
        lines += [f"{setting} = {profiles[name][setting]}" for setting in sorted(profiles[name])]
    block = "\n".join([*lines, _END]) + "\n"
    found = _BLOCK.search(text)
    if found:
        return text[: found.start()] + block + text[found.end() :]
    return text + ("" if not text or text.endswith("\n") else "\n") + block


def _profile_problems(name: str, settings: Any) -> list[str]:
    if not _NAME.fullmatch(str(name)):
        return [f"aws: '{name}' can't be the name of a profile"]
    if not isinstance(settings, Mapping) or not settings:
        return [f"aws: the profile '{name}' has no settings. Set aws_access_key_id and aws_secret_access_key"]
    found = []
    for setting, value in settings.items():
        if not _SETTING.fullmatch(str(setting)):
            found.append(f"aws: '{setting}' in the profile '{name}' can't be the name of a setting")
        elif isinstance(value, (Mapping, list)) or not str(value) or not str(value).isprintable():
            found.append(f"aws: {setting} of the profile '{name}' is not a text in one line")
    return found


def google_text(before: str | None, key: Mapping[str, Any], path: str) -> str | None:
    """The file with this key. Raises HostError where somebody else's is there."""
    ours = before is None or _is_ours(before)
    if not key:
        return None if ours else before
    if not ours:
        raise HostError(f"google: {path} exists already, and somebody else wrote it. Move it away, or remove google")
    if not key.get("type"):
        raise HostError("google: is not a key of Google, which has a 'type'. Set the content of the key's JSON file")
    return json.dumps({**key, **_MARK}, indent=2, sort_keys=True) + "\n"


def _is_ours(text: str) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("managed_by") == _MARK["managed_by"]


def plan(home: str, aws: Mapping[str, Any] | None, google: Mapping[str, Any] | None, user: str) -> list[CredentialFile]:
    """What has to be written. None leaves a provider's file alone. Raises HostError with every problem."""
    uid = lookup_user(user).pw_uid
    files: list[CredentialFile] = []
    problems: list[str] = []
    for name, given, text in ((AWS_FILE, aws, aws_text), (GOOGLE_FILE, google, google_text)):
        if given is None:
            continue
        path = os.path.join(home, name)
        try:
            # Root's own file in its place was written by a person, and is given to the user.
            state = read_file(path, (uid, 0))
            before = None if state is None else state.text
            loose = state is not None and bool(state.mode & (stat.S_IRWXG | stat.S_IRWXO))
            files.append(CredentialFile(path, before, text(before, given, path), bool(given), loose))
        except HostError as exc:
            problems += str(exc).splitlines()
    if problems:
        raise HostError("\n".join(problems))
    return files


def apply(files: list[CredentialFile], user: str) -> None:
    """Apply the plan. Only that user can read the files. Raises HostError."""
    for file in files:
        if not file.changed:
            continue
        if file.after is None:
            remove_file(file.path)
            continue
        make_directories(os.path.dirname(file.path), 0o700, ids_of(user))
        write_file(file.path, file.after, 0o600, ids_of(user))
