#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: replication_info
short_description: Read how a PostgreSQL server replicates
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns whether the server is a standby that streams, its position in the WAL, and the settings of which a standby needs at least what its primary has.
  - With O(timeout), the module waits until the server accepts connections, such as after a restart. It can also wait until a standby streams, or has
    replayed WAL.
  - Changes nothing. In check mode the module waits for no standby, because nothing was restarted.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._login
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
options:
  streaming:
    description:
      - Whether to wait until a standby streams from its primary. A primary is not waited for.
    type: bool
    default: false
  replayed:
    description:
      - The position up to which a standby has to have replayed the WAL, such as V(0/3000148). A primary is not waited for.
    type: str
    default: ""
  timeout:
    description:
      - The maximum number of seconds to wait. V(0) observes once.
    type: int
    default: 0
seealso:
  - module: pgdr.barman.restart_order
"""

EXAMPLES = r"""
- name: Wait until the restarted standby streams again
  pgdr.barman.replication_info:
    streaming: true
    timeout: 600
  become: true
  register: replication
"""

RETURN = r"""
in_recovery:
  description: Whether the server is a standby.
  returned: success
  type: bool
  sample: true
streaming:
  description: Whether the standby streams from its primary. V(false) on a primary.
  returned: success
  type: bool
  sample: true
position:
  description: The end of the WAL that a standby has replayed or a primary has written. V(null) if a standby has replayed nothing.
  returned: success
  type: str
  sample: 0/3000148
settings:
  description:
    - By name, the settings of which a standby needs at least what its primary has. Each has C(running), and C(pending), which is its value after a restart.
  returned: success
  type: dict
  sample: {max_wal_senders: {running: 10, pending: 12}}
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._postgres.login import login_argument_spec
from ..module_utils._replication_info.run import replication_info

ARGUMENTS: dict[str, Any] = {
    "streaming": {"type": "bool", "default": False},
    "replayed": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 0},
    **login_argument_spec(),
}


def main() -> None:
    run_module(ARGUMENTS, replication_info)


if __name__ == "__main__":
    main()
