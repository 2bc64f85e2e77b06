#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incoming_wal
short_description: Remove WAL that archive_command left in Barman's incoming directory and that came by streaming too
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Barman does not look into the incoming directory of a server without C(archiver), and C(barman check) is red while something is in it. When
    such a server was archived before, its last segments are left there.
  - A segment or a timeline history is removed only if Barman has one of the same name and content from streaming. A partial segment is removed if the
    segment of that number came whole, or on a later timeline. Backup labels are removed, because their content is in the backup. Everything else stays,
    and is an error that names it.
  - A segment that streaming has not brought yet is waited for. If streaming has brought later WAL and not that segment, it can't come any more, and the
    module fails at once.
options:
  servers:
    description:
      - Barman's names for the servers.
    type: list
    elements: str
    required: true
  timeout:
    description:
      - How many seconds to wait for each server's segments to come by streaming.
    type: int
    default: 180
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - In check mode nothing is waited for.
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Use it after C(archive_command) has ended to deliver to the directory.
seealso:
  - module: pgdr.barman.archive_command
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Remove what came both ways
  pgdr.barman.incoming_wal:
    servers: [pg-eu]
  become: true
"""

RETURN = r"""
servers:
  description: The result of each server, by Barman's name for it.
  returned: always
  type: dict
  sample:
    pg-eu:
      removed: ["000000010000000000000009"]
      error: null
  contains:
    removed:
      description: The names of the files that were removed, or would be in check mode.
      type: list
      elements: str
    error:
      description: What is still there, and what to do; null if nothing is.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.incoming import ClearedDirectory, clear
from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "servers": {"type": "list", "elements": "str", "required": True},
        "timeout": {"type": "int", "default": 180},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    params = module.params
    outcomes: dict[str, ClearedDirectory] = {}
    try:
        barman = barman_from(params)
        configuration = read(params["config_file"], params["barman_user"])
        for server in [configuration.server(name) for name in params["servers"]]:
            try:
                outcomes[server.name] = clear(barman, server, params["timeout"], module.check_mode)
            except HostError as exc:
                outcomes[server.name] = ClearedDirectory((), "server '%s': %s" % (server.name, exc))
    except HostError as exc:
        module.fail_json(msg=str(exc), servers={})
    result = {
        "changed": any(outcome.removed for outcome in outcomes.values()),
        "servers": {
            name: {"removed": list(outcome.removed), "error": outcome.error} for name, outcome in outcomes.items()
        },
    }
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    if errors:
        module.fail_json(msg="\n".join(errors), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
