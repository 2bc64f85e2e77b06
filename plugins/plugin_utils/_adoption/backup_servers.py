# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The [barman] section of an existing Barman as the variables of its backup server.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...module_utils._barman.option_table import HOOKS
from ...module_utils._postgres import privileges
from .._topology.entries import IDENTITY_OPTIONS
from .._topology.hooks import ALL
from .._topology.parse import as_source
from .facts import Adoption, BarmanFacts, EntryFacts, Variables, VaultVariable
from .hook_commands import hook_of
from .options import global_further_options

_OWN_VARIABLES = {
    "barman_user": "barman_user",
    "barman_home": "barman_home",
    "configuration_files_directory": "barman_configuration_directory",
}
#: What each entry has by itself after the deployment.
_OF_ENTRIES = frozenset((*IDENTITY_OPTIONS, "minimum_redundancy", "path_prefix", "retention_policy", "create_slot")) - {
    "reuse_backup"
}


def backup_server_variables(host: str, facts: BarmanFacts, adoption: Adoption) -> Variables:
    """The variables of the backup server, without the address of its connections."""
    section = facts["global_options"]
    found: Variables = {"barman_home": facts["home"], "barman_user": facts["user"]}
    directory = section.get("configuration_files_directory")
    if directory:
        found["barman_configuration_directory"] = directory.rstrip("/")
    else:
        adoption.remark(
            host,
            facts["config_file"],
            "configuration_files_directory is not set, so Barman reads no directory of entries",
            "the deployment sets it to /etc/barman.d",
        )
    usual = {"log_file": f"/var/log/{facts['user']}/barman.log", "log_level": "INFO"}
    rest = {name: value for name, value in section.items() if value != usual.get(name)}

    def report(option: str, message: str, instead: str) -> None:
        adoption.remark(host, f"[barman] {option}", message, instead)

    found.update(hook_variables(host, ALL, rest, adoption))
    decided = {*_OWN_VARIABLES, *_OF_ENTRIES, *(found.get("barman_hooks") or ())}
    found["barman_global_options"] = global_further_options(rest, decided, facts["version"], report)
    for name in facts["secret_global_options"]:
        variable = f"vault_barman_{name}_{variable_part(host)}"
        found["barman_global_options"][name] = reference(variable)
        adoption.vault.append(vault_of(variable, f"{name} of [barman]", host, facts["config_file"]))
    if facts["version"]:
        found["barman_version"] = facts["version"]
    found["barman_client_directory"] = client_directory(facts)
    return found


def client_directory(facts: BarmanFacts) -> str:
    """The directory of most entries, with {version} if it has the version of the server's PostgreSQL."""
    found = Counter(
        path_pattern(entry, facts) for entry in sorted(facts["servers"].values(), key=lambda entry: entry["name"])
    )
    return found.most_common(1)[0][0] if found else "/usr/lib/postgresql/{version}/bin"


def path_pattern(entry: EntryFacts, facts: BarmanFacts) -> str:
    """The entry's path_prefix with {version} in place of the version."""
    path = entry["effective_options"].get("path_prefix", "")
    version = version_of(entry, facts)
    parts = [_pattern(part, str(version)) if version else part for part in path.split("/")]
    return "/".join(parts)


def _pattern(part: str, version: str) -> str:
    """The part of a path with {version}: 17, pgsql-17, postgresql17."""
    cut = part.rpartition(version)
    exact = part.endswith(version) and not cut[0][-1:].isdigit()
    return f"{cut[0]}{{version}}" if exact else part


def version_of(entry: EntryFacts, facts: BarmanFacts) -> int | None:
    """PostgreSQL's major version: its own answer, else that of the newest backup."""
    answer = facts["postgresql"].get(entry["name"]) or {}
    if answer.get("version"):
        return int(answer["version"]) // 10000
    if entry["postgresql_version"]:
        return entry["postgresql_version"]
    path = entry["effective_options"].get("path_prefix", "")
    known = [number for number in range(privileges.OLDEST, privileges.NEWEST + 1) if _pattern_in(path, str(number))]
    return known[0] if len(known) == 1 else None


def _pattern_in(path: str, version: str) -> bool:
    return any(_pattern(part, version) != part for part in path.split("/"))


def hook_variables(host: str, scope: str, options: Any, adoption: Adoption) -> Variables:
    """barman_hooks, barman_s3 and barman_hook_directory of the hooks that this collection wrote."""
    found: Variables = {}
    for name in HOOKS:
        hook = hook_of(name, options.get(name, ""), scope)
        if hook is None:
            if options.get(name) and name.endswith("_retry_script"):
                adoption.remark(
                    host,
                    name,
                    "is run again for ever by Barman while it fails",
                    "declare it in barman_hooks, which ends that",
                )
            continue
        found.setdefault("barman_hooks", {})[name] = hook.value
        found["barman_hook_directory"] = hook.directory
        if hook.s3 is not None:
            found["barman_s3"] = dict(hook.s3)
        if hook.has_keys:
            for key, variable in (("access", "barman_s3_access_key"), ("secret", "barman_s3_secret_key")):
                found[variable] = reference(f"vault_{variable}_{variable_part(host)}")
                adoption.vault.append(
                    vault_of(
                        f"vault_{variable}_{variable_part(host)}",
                        f"the {key} key of the bucket",
                        host,
                        "Barman's directory .pgdr.barman/credentials",
                    )
                )
        if hook.script:
            adoption.remark(
                host, name, f"runs {hook.script}", "copy that file to the directory hooks beside the inventory"
            )
    return found


_PARTS = {".": "_", "-": "__", "_": "___"}


def variable_part(name: str) -> str:
    """A host's or a server's name as a part of a variable's name. Names that differ in a mark stay different."""
    return "".join(mark if mark.isalnum() and mark.isascii() else _PARTS.get(mark, f"_{ord(mark)}_") for mark in name)


def reference(variable: str) -> str:
    """The template of a variable of the vault."""
    return "{{ " + variable + " }}"


def vault_of(variable: str, meaning: str, host: str, place: str) -> VaultVariable:
    """A variable to fill, whose value is at that place of the host."""
    return VaultVariable(variable, meaning, f"{place} on {host}")


def addresses_variable(facts: BarmanFacts, address: str) -> list[str]:
    """barman_addresses as the PostgreSQL servers report them; empty if it is the address that the other hosts know."""
    found = {str(answer["client_address"]) for answer in facts["postgresql"].values() if answer.get("client_address")}
    return [] if found <= {address} else sorted(as_source(one) for one in found)
