# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's hook scripts: the values of barman_hooks and barman_s3, their mistakes, and the requirements of a backup server.

A hook's option in Barman's configuration is never the script itself but run-hook with the script. It ends a retry hook that Barman would
start for ever, and records the result of each run. So no declared hook can loop.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ...module_utils._barman.option_table import HOOK_RUNNER, HOOKS
from ...module_utils._barman.options import nearest
from ...module_utils._server.program_files import Places
from .text_forms import TextError, to_dict

#: What the role deploys beside the scripts of the inventory and run-hook.
EXPORT = "export"
#: Below Barman's home: run-hook records the results of hooks there, and pgdr.barman.check reads them.
STATE_DIRECTORY = ".pgdr.barman/hooks"
CREDENTIALS_DIRECTORY = ".pgdr.barman/credentials"
#: In file names and profiles: the hooks of the whole backup server. Barman keeps the name for itself, so no server has it.
ALL = "all"

HookKind = Literal["ready", "source", "content", "command", "wrong"]
GiveUp = Literal["stop", "continue"]
TarCompression = Literal["none", "gzip", "bzip2", "xz"]
S3Compression = Literal["none", "gzip", "bzip2", "snappy"]

KINDS: tuple[HookKind, ...] = ("ready", "source", "content", "command")
INVALID: HookKind = "wrong"
EXPORTS = ("tar", "s3")
#: What comes with the collection: exports, and the notification about the result of the operation.
READY = (*EXPORTS, "notify")
#: Others run so often that the observation of all servers would hold them up.
_NOTIFY_HOOKS = ("post_backup_script", "post_recovery_script")
TAR_COMPRESSIONS: tuple[TarCompression, ...] = ("none", "gzip", "bzip2", "xz")
S3_COMPRESSIONS: tuple[S3Compression, ...] = ("none", "gzip", "bzip2", "snappy")
S3_ENCRYPTIONS = ("AES256", "aws:kms")
GIVE_UP: tuple[GiveUp, ...] = ("stop", "continue")
_TAR_KEYS = ("directory", "device", "mounted", "compression")
_COMMON_KEYS = ("arguments", "attempts", "pause", "timeout", "give_up")
_S3_KEYS = ("url", "endpoint_url", "region", "compression", "encryption", "jobs")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?")
_ENDPOINT = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_REGION = re.compile(r"[a-z0-9-]+")

Report = Callable[[str, str, str], None]
"""Takes a problem: its place below the variable, what is wrong, what to write instead."""


@dataclass(frozen=True)
class Hook:
    """One hook: what is run (by kind: a ready export, a file of the controller, a text, a program that is there), and its limits."""

    name: str
    kind: HookKind
    value: str = field(repr=False)
    arguments: tuple[str, ...] = ()
    attempts: int = 1
    pause: int = 5
    timeout: int = 3600
    give_up: GiveUp = "stop"
    directory: str = ""
    device: str = ""
    mounted: bool = False
    compression: TarCompression = "none"

    @property
    def retries(self) -> bool:
        return is_retry(self.name)

    @property
    def deployed(self) -> bool:
        """Whether the script itself comes from the inventory."""
        return self.kind in ("source", "content")

    def is_ready(self, what: str) -> bool:
        return self.kind == "ready" and self.value == what


@dataclass(frozen=True)
class S3:
    """A bucket, or a path in one."""

    url: str
    endpoint_url: str = ""
    region: str = ""
    compression: S3Compression = "none"
    encryption: str = ""
    jobs: int = 2


def is_retry(hook: str) -> bool:
    return hook.endswith("_retry_script")


# --- reading ----------------------------------------------------------------------------------------------------------


def read_hooks(value: Any, report: Report) -> dict[str, Hook]:
    """The value of barman_hooks. What is wrong is reported, every mistake."""
    value = _mapping(value)
    if value is None:
        report("", "is not a dictionary", "write it as {post_backup_script: /path/of/a/script}")
        return {}
    found = {}
    for name in sorted(value, key=str):
        if name not in HOOKS:
            like = nearest(str(name), HOOKS)
            report(
                "",
                f"has {name!r}, which is not a hook of Barman",
                f"did you mean {like}?" if like else "write one as pre_backup_script or post_archive_retry_script",
            )
        # An invalid hook stays in the result, so that a misspelt value is not reported as missing, too.
        hook = _Reading(name, value[name], report).hook() if name in HOOKS else None
        found[name] = hook or Hook(str(name), INVALID, "")
    return found


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    """The dictionary, or what its text form means; None if it is neither."""
    if isinstance(value, Mapping):
        return value
    try:
        return to_dict(value)
    except TextError:
        return None


class _Reading:
    """Reads one hook."""

    def __init__(self, name: str, value: Any, report: Report) -> None:
        self.name = name
        self.given: Any = {"command": value} if isinstance(value, str) else value
        self._report = report
        self._invalid = False

    def wrong(self, key: str, message: str, instead: str) -> None:
        self._invalid = True
        self._report(f".{self.name}.{key}" if key else f".{self.name}", message, instead)

    def hook(self) -> Hook | None:
        if not isinstance(self.given, Mapping):
            self.wrong("", "is neither a path nor a dictionary", "write the path of a script, or {ready: tar, …}")
            return None
        kinds = [kind for kind in KINDS if self.given.get(kind) is not None]
        if len(kinds) != 1:
            what = "has no program to run" if not kinds else f"has {' and '.join(kinds)}"
            self.wrong("", what, f"write one of {', '.join(KINDS)}")
            return None
        kind = kinds[0]
        self.unknown_keys(kind)
        value = self.what(kind)
        retry = is_retry(self.name)
        settings: dict[str, Any] = {
            "attempts": self.number("attempts", 3 if retry else 1, 1),
            "pause": self.number("pause", 5, 0),
            "timeout": self.number("timeout", self.patience(kind), 1),
            "give_up": self.choice("give_up", GIVE_UP, "stop"),
            "arguments": self.words(),
        }
        if self.given.get("give_up") is not None and not retry:
            self.wrong("give_up", "is for a retry hook: Barman asks no other what to do", "remove it")
        if kind == "ready":
            settings.update(self.export(value))
        return None if self._invalid else Hook(name=self.name, kind=kind, value=value, **settings)

    def patience(self, kind: HookKind) -> int:
        """An export of a large backup takes hours; a WAL segment holds up those behind it."""
        if "_archive_" in self.name or "_wal_delete_" in self.name:
            return 300
        return 86400 if kind == "ready" and self.given["ready"] in EXPORTS else 3600

    def unknown_keys(self, kind: HookKind) -> None:
        known = [kind, *_COMMON_KEYS]
        if kind == "ready":
            known.remove("arguments")
            known += _TAR_KEYS if self.given["ready"] == "tar" else ()
        for key in self.given:
            if key not in known:
                like = nearest(str(key), known)
                self.wrong(
                    "", f"has {key!r}, which means nothing here", f"did you mean {like}?" if like else "remove it"
                )

    def what(self, kind: HookKind) -> str:
        value = self.given[kind]
        if not isinstance(value, str) or not value.strip():
            self.wrong(kind, "is not a text", "write a text")
            return ""
        if kind == "ready" and value not in READY:
            self.wrong(
                kind,
                f"{value!r} is not one of the ready hooks of this collection",
                f"write {', '.join(READY[:-1])} or {READY[-1]}",
            )
        if kind in ("command", "source"):
            where = "the backup server" if kind == "command" else "the controller"
            if not value.startswith("/"):
                example = " as {{ inventory_dir }}/hooks/script.sh" if kind == "source" else ""
                self.wrong(kind, f"{value!r} is not an absolute path", f"write the script's path on {where}{example}")
            elif not value.isprintable():
                self.wrong(kind, "has characters that no path should have", f"write the script's path on {where}")
            elif kind == "command" and any(mark.isspace() for mark in value):
                self.wrong(kind, f"{value!r} is more than a path", "write the path alone, and the rest in arguments")
        if kind == "content" and not value.startswith("#!"):
            self.wrong(kind, "has no line that names its interpreter", "begin it with a line such as #!/bin/sh")
        return value

    def export(self, value: str) -> dict[str, Any]:
        if value == "s3":
            if self.name not in _S3_HOOKS:
                self.wrong("ready", "s3 can't be exported from this hook", f"write it in {' and '.join(_S3_ADVISED)}")
            return {}
        if value == "notify" and self.name not in _NOTIFY_HOOKS:
            self.wrong("ready", "notify can't report from this hook", f"write it in {' or '.join(_NOTIFY_HOOKS)}")
        if value != "tar":
            return {}
        if self.name not in _TAR_HOOKS:
            self.wrong("ready", "a tar can't be made from this hook", f"write it in {' or '.join(_TAR_HOOKS)}")
        found = {key: self.path(key) for key in ("directory", "device")}
        if bool(found["directory"]) == bool(found["device"]) and not self._invalid:
            what = "has both a directory and a device" if found["device"] else "has neither a directory nor a device"
            self.wrong("", what, "write directory: /path, or device: /dev/st0")
        mounted = self.given.get("mounted")
        if mounted is not None and not isinstance(mounted, bool):
            self.wrong("mounted", f"{mounted!r} is neither true nor false", "write true or false")
        elif mounted and found["device"]:
            self.wrong("mounted", "is for a directory", "remove it")
        return {
            **found,
            "mounted": bool(mounted),
            "compression": self.choice("compression", TAR_COMPRESSIONS, "none"),
        }

    def path(self, key: str) -> str:
        value = self.given.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
            self.wrong(key, f"{value!r} is not an absolute path", "write a path on the backup server")
            return ""
        return value

    def number(self, key: str, default: int, low: int) -> int:
        value = self.given.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            self.wrong(key, f"{value!r} is not a whole number from {low} on", "write one")
            return default
        return int(value)

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self.given.get(key)
        if value is None:
            return default
        if value not in choices:
            self.wrong(key, f"{value!r} is not one of {', '.join(choices)}", "write one of them")
            return default
        return str(value)

    def words(self) -> tuple[str, ...]:
        value = self.given.get("arguments")
        if value is None:
            return ()
        plain = isinstance(value, (list, tuple)) and all(
            isinstance(word, (str, int)) and not isinstance(word, bool) and str(word).isprintable() for word in value
        )
        if not plain:
            self.wrong("arguments", "is not a list of texts", "write one as [--verbose, /srv/copies]")
            return ()
        return tuple(str(word) for word in value)


_TAR_HOOKS = ("post_backup_script", "post_backup_retry_script")
_S3_ADVISED = ("pre_archive_retry_script", "post_backup_retry_script")
_S3_HOOKS = ("pre_archive_script", *_S3_ADVISED, "post_backup_script")


def read_s3(value: Any, report: Report) -> S3:
    """The value of barman_s3. What is wrong is reported, every mistake, and stands for a bucket."""
    value = _mapping(value)
    if value is None:
        report("", "is not a dictionary", "write it as {url: s3://bucket/path}")
        return S3("")
    reported: list[str] = []

    def wrong(key: str, message: str, instead: str) -> None:
        reported.append(key)
        report(f".{key}" if key else "", message, instead)

    for key in value:
        if key not in _S3_KEYS:
            like = nearest(str(key), _S3_KEYS)
            wrong("", f"has {key!r}, which means nothing here", f"did you mean {like}?" if like else "remove it")
    for key, form, example in (
        ("url", _BUCKET, "s3://bucket/path"),
        ("endpoint_url", _ENDPOINT, "https://s3.example.net:9000"),
        ("region", _REGION, "eu-central-1"),
    ):
        given = value.get(key)
        if given is None and key != "url":
            continue
        if not isinstance(given, str) or not form.fullmatch(given):
            wrong(key, "is missing" if given is None else f"cannot be {given!r}", f"write it as {example}")
    for key, choices in (("compression", S3_COMPRESSIONS), ("encryption", S3_ENCRYPTIONS)):
        if value.get(key) is not None and value[key] not in choices:
            wrong(key, f"{value[key]!r} is not one of {', '.join(choices)}", "write one of them")
    jobs = value.get("jobs")
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        wrong("jobs", f"{jobs!r} is not a whole number from 1 on", "write one")
    if reported:
        return S3("")
    return S3(**{key: value[key] for key in _S3_KEYS if value.get(key) is not None})


# --- what is wrong between them ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Declared:
    """The hooks of one server or, with scope ALL, of a whole backup server. keys: whether S3's two are given."""

    scope: str
    hooks: Mapping[str, Hook]
    s3: S3 | None
    has_access_key: bool
    has_secret_key: bool


def conflicts(declared: Declared, options: Mapping[str, Any], options_variable: str) -> Iterable[tuple[str, str, str]]:
    """The variable, what is wrong, what to write instead: of the hooks and what else is given at the same place."""
    for name in sorted(set(declared.hooks) & set(options)):
        yield f"{options_variable}.{name}", "is set, and barman_hooks has that hook too", "remove one of the two"
    uses_s3 = any(hook.is_ready("s3") for hook in declared.hooks.values())
    if uses_s3 and declared.s3 is None:
        yield "barman_s3", "is missing, and barman_hooks has ready: s3", "write {url: s3://bucket/path}"
    if declared.has_access_key != declared.has_secret_key:
        missing, there = "barman_s3_secret_key", "barman_s3_access_key"
        if declared.has_secret_key:
            missing, there = there, missing
        yield missing, f"is missing, and {there} is set", "set both, or neither if the machine has a role of its own"
    plain = declared.hooks.get("pre_archive_script")
    if plain is not None and plain.is_ready("s3"):
        yield (
            "barman_hooks.pre_archive_script",
            "would lose WAL in the bucket whenever that can't be reached: Barman archives it all the same",
            "write it in pre_archive_retry_script",
        )


def unguarded(options: Mapping[str, Any], options_variable: str) -> Iterable[tuple[str, str]]:
    """Retry hooks that are given to Barman as they are: the variable, and what to report about it."""
    for name in sorted(options):
        if is_retry(str(name)) and name in HOOKS and options[name]:
            yield (
                f"{options_variable}.{name}",
                "is run again for ever by Barman while it fails; declare it in barman_hooks, which ends that",
            )


def misfits(
    hooks: Mapping[str, Hook], own: Iterable[str], method: str, options: Mapping[str, Any]
) -> Iterable[tuple[str, str, str]]:
    """What a server's method and options make impossible. hooks: all that apply; own: the names that the server itself has."""
    ours = set(own)
    encrypted = str(options.get("encryption") or "none").lower() not in ("none", "")
    compressed = str(options.get("backup_compression") or "none").lower() not in ("none", "")
    for name, hook in sorted(hooks.items()):
        if hook.kind != "ready" or hook.value not in EXPORTS or "_backup_" not in name:
            continue
        variable = f"barman_hooks.{name}" if name in ours else "barman_hooks"
        if method == "snapshot":
            yield variable, f"{hook.value} can't be exported: snapshots stay in the cloud", "remove the hook"
        elif encrypted:
            yield (
                variable,
                f"{hook.value} would have the WAL of an encrypted backup unencrypted",
                "remove the hook, or encryption",
            )
        elif compressed and hook.value == "s3":
            yield (
                variable,
                "s3 can't export a compressed backup so that it can be restored",
                "remove backup_compression, and set compression in barman_s3",
            )
    has_base = any(hook.is_ready("s3") for name, hook in hooks.items() if "_backup_" in name)
    has_wal = any(hook.is_ready("s3") for name, hook in hooks.items() if "_archive_" in name)
    is_invalid = any(hook.kind == INVALID for hook in hooks.values())
    if has_base != has_wal and method != "snapshot" and not is_invalid:
        missing = "pre_archive_retry_script" if has_base else "post_backup_retry_script"
        what = "WAL, without which no backup can be restored" if has_base else "backups, without which WAL is of no use"
        yield "barman_hooks", f"s3 would not have the {what}", f"write ready: s3 in {missing} too"


# --- requirements ----------------------------------------------------------------------------------------------------------


def script_name(scope: str, hook: Hook) -> str:
    return f"{scope}.{hook.name}"


def profile(scope: str) -> str:
    return f"barman-{scope}"


def hook_options(declared: Declared, directory: str, home: str) -> dict[str, str]:
    """Barman's options for these hooks: run-hook with its limits, and what it runs."""
    return {
        name: _command(declared, hook, directory, home) for name, hook in declared.hooks.items() if hook.kind != INVALID
    }


def _command(declared: Declared, hook: Hook, directory: str, home: str) -> str:
    words = [f"{directory}/{HOOK_RUNNER}", "--state", f"{home}/{STATE_DIRECTORY}"]
    words += ["--attempts", str(hook.attempts), "--pause", str(hook.pause), "--timeout", str(hook.timeout)]
    if hook.retries:
        words += ["--give-up", hook.give_up]
    words.append("--")
    if hook.deployed:
        words += [f"{directory}/{script_name(declared.scope, hook)}", *hook.arguments]
    elif hook.kind == "command":
        words += [hook.value, *hook.arguments]
    elif hook.value == "notify":
        # A message that was not sent fails no backup.
        words += [Places().command, "notify", "--hook"]
    elif hook.value == "tar":
        words += [f"{directory}/{EXPORT}", "tar", *_tar_words(hook)]
    elif declared.s3 is not None:
        words += [f"{directory}/{EXPORT}", "s3", *_s3_words(declared, declared.s3, home)]
    return " ".join(shlex.quote(word) for word in words)


def _tar_words(hook: Hook) -> list[str]:
    words = ["--directory", hook.directory] if hook.directory else ["--device", hook.device]
    if hook.mounted:
        words.append("--mounted")
    return [*words, "--compression", hook.compression]


def _s3_words(declared: Declared, s3: S3, home: str) -> list[str]:
    words = ["--url", s3.url, "--compression", s3.compression, "--jobs", str(s3.jobs)]
    for name, value in (("--endpoint-url", s3.endpoint_url), ("--region", s3.region), ("--encryption", s3.encryption)):
        if value:
            words += [name, value]
    if declared.has_access_key:
        name = profile(declared.scope)
        words += ["--profile", name, "--credentials", f"{home}/{CREDENTIALS_DIRECTORY}/{name}"]
    return words
