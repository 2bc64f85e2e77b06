#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: job_info
short_description: Report the state of asynchronous jobs and the progress of Barman's operations
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reports for each asynchronous job of Ansible whether its result is complete and which of its processes run. It also reports the host's boot id,
    and the progress of this collection's running operations.
  - The module only reads files, and runs no command.
  - To wait for jobs, use M(pgdr.barman.wait_for_jobs). That action runs this module repeatedly.
options:
  jobs:
    description: The jobs to report.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The job's C(ansible_job_id).
        type: str
        required: true
      session:
        description: The session id of the job's processes, from an earlier run of this module. It finds processes that outlive Ansible's wrapper.
        type: int
  async_dir:
    description: The directory with the results of asynchronous jobs.
    type: path
    default: ~/.ansible_async
  servers:
    description: Barman's names of the servers whose operations the module returns. If it is empty, the module returns none.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
seealso:
  - module: pgdr.barman.wait_for_jobs
  - module: pgdr.barman.backup_info
"""

EXAMPLES = r"""
- name: Gather the state of a backup that runs in the background
  pgdr.barman.job_info:
    jobs:
      - id: "{{ backup_job.ansible_job_id }}"
    servers: [pg-eu]
  become: true
  register: observed

- name: Fail if the backup has ended without a result
  ansible.builtin.fail:
    msg: The backup of pg-eu was killed.
  when: observed.jobs[0].processes == [] and not observed.jobs[0].finished
"""

RETURN = r"""
boot_id:
  description: The kernel's id of this boot. V(null) if the module can't read it.
  returned: success
  type: str
  sample: 0f6a3f2e-6f0e-4f39-9a0b-5a6f6f5f8a51
jobs:
  description: The jobs, in the order of O(jobs).
  returned: success
  type: list
  elements: dict
  contains:
    job_id:
      description: The job's C(ansible_job_id).
      type: str
      sample: j154582779689.13364
    finished:
      description: Whether the result of the job is complete.
      type: bool
      sample: false
    processes:
      description: The process ids of Ansible's wrapper, which writes the result. A job without a wrapper and without a result never gets a result.
      type: list
      elements: int
      sample: [13421, 13426]
    session:
      description: The session id of the job's processes. V(null) if there are none.
      type: int
      sample: 13418
    remaining:
      description: The ids of processes of the session that run although the wrapper has ended.
      type: list
      elements: int
      sample: []
operations:
  description: The running operations on O(servers), oldest first, in the form of M(pgdr.barman.backup_info).
  returned: success
  type: list
  elements: dict
  sample:
    - operation: backup
      server: pg-eu
      phase: streaming database files
      phase_duration: 12
      duration: 40
      bytes_done: 52428800
      bytes_total: 110100480
operations_unknown:
  description: Why the module could not read the operations. V(null) if it could.
  returned: success
  type: str
  sample: null
"""

from typing import Any

from ..module_utils._backup_info.jobs import show_jobs
from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "jobs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"id": {"type": "str", "required": True}, "session": {"type": "int"}},
    },
    "async_dir": {"type": "path", "default": "~/.ansible_async"},
    "servers": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    run_module(ARGUMENTS, show_jobs)


if __name__ == "__main__":
    main()
