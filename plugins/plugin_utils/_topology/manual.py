# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manual steps on a PostgreSQL server that Ansible does not touch: the same as the role pg does on the others, line by line.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...module_utils._archive_command.command import MARK, ArchiveTarget, archive_command, marked
from ...module_utils._postgres import privileges, standby_names
from .model import PostgresServer
from .requirement_types import (
    HbaRule,
    ManualPassword,
    ManualSsh,
    ManualSteps,
    PasswordVariable,
    PostgresRequirements,
    SshConnection,
)

_FLAGS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
# What takes effect without a restart.
_RELOADED = (
    "archive_command",
    "archive_timeout",
    "summarize_wal",
    "synchronous_standby_names",
    "wal_summary_keep_time",
)
_LOCAL = ("127.", "::1/")
_MAKE_A_KEY = ("ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519", "cat ~/.ssh/id_ed25519.pub")
_SHOW_THE_HOST_KEY = ("mkdir -p -m 700 ~/.ssh", "cat /etc/ssh/ssh_host_ed25519_key.pub")


def manual(server: PostgresServer, required: PostgresRequirements, connections: Iterable[SshConnection]) -> ManualSteps:
    """The lines for the server. required: what it must have; connections: the SSH trust that begins or ends there."""
    settings = list(_settings(required))
    return {
        "database": server.database,
        "sql": list(_sql(server, required)),
        "passwords": list(_passwords(server, required)),
        "pg_hba": [_hba_line(rule) for rule in required["hba_rules"]],
        "settings": [f"{name} = {_value(value)}{note and '   # ' + note}" for name, value, dummy, note in settings],
        "alter_system": [
            "SELECT {} FROM pg_settings WHERE name = '{}' AND {} \\gexec".format(
                _literal(f"ALTER SYSTEM SET {name} = {_value(value)}"), name, condition
            )
            for name, value, condition, dummy in settings
        ],
        "restart": [setting[0] for setting in settings if setting[0] not in _RELOADED],
        "dcs": list(_dcs(required, settings)) if server.cluster_manager == "patroni" else [],
        "packages": _packages(server, required),
        "ssh": [_ssh(server, connection) for connection in connections],
    }


def _hba_line(rule: HbaRule) -> str:
    return "   ".join((rule["type"], rule["databases"], rule["users"], rule["source"], rule["method"]))


def _dcs(required: PostgresRequirements, settings: Iterable[tuple[str, str, str, str]]) -> Iterable[str]:
    """Lines of YAML for 'patronictl edit-config'. listen_addresses is in the file of each member, as postgresql.listen."""
    yield "slots:"
    for slot in required["slots"]:
        yield f"  {slot}: {{type: physical}}"
    yield "postgresql:"
    yield "  parameters:"
    for name, value, dummy, note in settings:
        if name != "listen_addresses":
            yield f"    {name}: {_value(value)}{note and '   # ' + note}"
    yield "  pg_hba:"
    for rule in required["hba_rules"]:
        yield f"  - {_hba_line(rule)}"


def _sql(server: PostgresServer, required: PostgresRequirements) -> Iterable[str]:
    # A standby has its primary's roles.
    if server.primary is not None:
        return
    management, streaming = required["users"]["management"], required["users"]["streaming"]
    for role in dict.fromkeys(name for name in (management, streaming) if name is not None):
        replication = "REPLICATION" if role == streaming else "NOREPLICATION"
        yield f"CREATE ROLE {privileges.identifier(role)} {_FLAGS} {replication};"
    yield from privileges.statements(management, server.version)
    if server.has_password or server.has_streaming_password:
        # Servers that were once PostgreSQL 13 or older often still have md5, and the rules of pg_hba.conf take no MD5 hash.
        yield "SET password_encryption = 'scram-sha-256';"


def _passwords(server: PostgresServer, required: PostgresRequirements) -> Iterable[ManualPassword]:
    if server.primary is not None:
        return
    variables: dict[str, PasswordVariable] = {}
    if server.has_password:
        variables[required["users"]["management"]] = "barman_postgres_password"
    if server.has_streaming_password and required["users"]["streaming"] is not None:
        variables.setdefault(required["users"]["streaming"], "barman_streaming_password")
    for role, variable in variables.items():
        yield {"role": role, "variable": variable, "psql": f"\\password {privileges.identifier(role)}"}


def _settings(required: PostgresRequirements) -> Iterable[tuple[str, str, str, str]]:
    """Name, value, when it has to be set, and a remark."""
    if any(not rule["source"].startswith(_LOCAL) for rule in required["hba_rules"]):
        yield (
            "listen_addresses",
            "*",
            "setting IN ('', 'localhost', '127.0.0.1', '::1')",
            "or the address that the backup server reaches",
        )
    for name, desired in required["settings"].items():
        if "includes" in desired:
            value = standby_names.change(None, "", desired["includes"]).value
            yield (
                name,
                str(value),
                "setting = ''",
                "together with the names that are there; all of them must be waited for",
            )
        elif name == "wal_level":
            yield name, str(desired["minimum"]), "setting = 'minimal'", "or more"
        elif "minimum" in desired:
            yield name, str(desired["minimum"]), f"setting::int < {desired['minimum']}", "or more"
        elif name == "archive_mode":
            yield name, str(desired["value"]), "setting = 'off'", ""
        else:
            yield name, str(desired["value"]), f"setting <> {_literal(str(desired['value']))}", ""
    archiving = required["archiving"]
    if archiving is None:
        return
    target = ArchiveTarget(
        server=archiving["server"],
        host=archiving["address"],
        port=archiving["port"],
        user=archiving["user"],
        method=archiving["method"],
        compression=archiving["compression"],
        directory=archiving["incoming_directory"],
    )
    command = marked(archive_command(target), archiving["timeout"])
    # Somebody else's command is not overwritten; without archive_mode PostgreSQL shows none at all.
    free = f"(setting IN ('', '(disabled)', 'false') OR setting LIKE '%{MARK}%')"
    yield "archive_command", command, free, f"needs SSH to {target.address}"
    if archiving["timeout"] is not None:
        yield "archive_timeout", str(archiving["timeout"]), f"setting <> '{archiving['timeout']}'", ""


def _packages(server: PostgresServer, required: PostgresRequirements) -> list[str]:
    """By the names that Debian and Red Hat share. Barman's rsync method runs rsync on both sides."""
    found: set[str] = {"rsync"} if server.backup_server is not None and server.method == "rsync" else set()
    if required["archiving"] is not None:
        found.add({"barman-wal-archive": "barman-cli"}.get(required["archiving"]["method"], "rsync"))
        found.update(f"python3-{module}" for module in required["python_modules"])
    return sorted(found)


def _ssh(server: PostgresServer, connection: SshConnection) -> ManualSsh:
    outgoing = connection["from_host"] == server.host
    file = "known_hosts" if outgoing else "authorized_keys"
    options = f'restrict,from="{",".join(connection["from_addresses"])}"'
    if connection["forced_command"]:
        options += f',command="{connection["forced_command"]}"'
    return {
        "purpose": connection["purpose"],
        "from": f"{connection['from_user']}@{connection['from_host']}",
        "to": f"{connection['to_user']}@{connection['to_address']}",
        "port": connection["to_port"],
        "options": options,
        "commands": list(_MAKE_A_KEY if outgoing else _SHOW_THE_HOST_KEY),
        "variable": "barman_ssh_public_key" if outgoing else "barman_ssh_host_key",
        "given": ("public_key" if outgoing else "host_key") in connection,
        "file": f"~/.ssh/{file}",
        "fact": f"ssh_trust_lines.{server.os_user}.{file}",
    }


def _value(value: str) -> str:
    return value if value.isalnum() else _literal(value)


def _literal(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))
