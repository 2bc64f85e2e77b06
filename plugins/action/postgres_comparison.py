# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import postgres_host
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.model import as_plain


class ActionModule(ActionBase):
    """Compares what PostgreSQL reports with what is declared; connects to nothing and changes nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
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
        )
        host = (task_vars or {})["inventory_hostname"]
        required, state = arguments["requirements"], arguments["state"]
        if arguments["restarted"]:
            problems = postgres_host.not_in_effect(state, arguments["pending_restart"])
            if problems:
                raise AnsibleActionFail(
                    f"PostgreSQL on {host} ({arguments['restarted']}, port {required['port']}) was restarted, and these settings did not take effect: "
                    f"{'; '.join(problems)}. Correct them there, and run this again."
                )
        compared = postgres_host.compare(
            host,
            required,
            state,
            arguments["backup_addresses"],
            postgres_host.Requests(
                superuser=arguments["superuser"],
                archive_overwrite=arguments["archive_overwrite"],
                roles_overwrite=arguments["roles_overwrite"],
                rules_exclusive=arguments["rules_exclusive"],
            ),
        )
        if compared.refusal:
            raise AnsibleActionFail(compared.refusal)
        found = as_plain(compared)
        found["messages"] = found.pop("warnings")
        del found["refusal"]
        result.update(found, differs=compared.differs, changed=False)
        return result
