# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import postgres_host

_REQUESTS = ("superuser", "archive_overwrite", "roles_overwrite", "rules_exclusive")


class ActionModule(Action):
    """Compares what PostgreSQL reports with what is declared; connects to nothing and changes nothing."""

    ARGUMENTS = {
        "requirements": {"type": "dict", "required": True},
        "state": {"type": "dict", "required": True},
        "backup_addresses": {"type": "list", "elements": "str", "default": []},
        "superuser": {"type": "str", "default": "postgres"},
        "archive_overwrite": {"type": "bool", "default": False},
        "roles_overwrite": {"type": "bool", "default": False},
        "rules_exclusive": {"type": "bool", "default": True},
        "restarted": {"type": "str"},
        "pending_restart": {"type": "list", "elements": "dict", "default": []},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        host, required, state = variables["inventory_hostname"], arguments["requirements"], arguments["state"]
        service = arguments["restarted"]
        if service:
            failure = postgres_host.restart_failure(host, service, required, state, arguments["pending_restart"])
            if failure:
                raise AnsibleActionFail(failure)
        requests = postgres_host.Requests(**{name: arguments[name] for name in _REQUESTS})
        compared = postgres_host.compare(host, required, state, arguments["backup_addresses"], requests)
        if compared.refusal:
            raise AnsibleActionFail(compared.refusal)
        return postgres_host.as_result(compared)
