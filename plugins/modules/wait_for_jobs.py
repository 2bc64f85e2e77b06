# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_jobs
short_description: Wait for asynchronous jobs, show their progress, and fail early if a job is dead
version_added: 1.0.0
description:
  - Waits until all listed jobs have ended. A job is a task with C(async) and C(poll=0) that started on the same host, as the same user.
  - Shows the progress of Barman's operations as one line, at growing intervals.
  - Reports a job as dead within a minute if its process ended without a result, or if the host was restarted.
  - If a host is unreachable for a moment, the module queries it again. The jobs run without the connection.
  - Fails if a job failed, is dead, or has no result in time. The error contains the last observed state and what to do. The module returns all
    results nevertheless.
  - If the jobs run on another host, use C(delegate_to).
author:
  - pgdr.barman contributors (@pgdr)
options:
  jobs:
    description:
      - The results of the tasks with C(async), such as C(results) of a registered loop.
      - A result without C(ansible_job_id), as in check mode, counts as ended.
    type: list
    elements: dict
    required: true
  servers:
    description: Barman's names of the servers that the jobs work on, in the order of O(jobs).
    type: list
    elements: str
    required: true
  timeout:
    description:
      - The number of seconds after which the module reports a job without a result. Set the value of C(async), after which Ansible ends the job
        itself.
      - The module adds two minutes.
    type: int
    default: 86400
  unreachable_timeout:
    description: The number of seconds to wait for a host that does not answer.
    type: int
    default: 600
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
  - pgdr.barman._attributes.ACTIONGROUP
  - pgdr.barman._barman
attributes:
  platform:
    support: full
seealso:
  - module: pgdr.barman.job_info
  - module: ansible.builtin.async_status
"""

EXAMPLES = r"""
- name: Start backups
  pgdr.barman.backup:
    server: "{{ item }}"
  become: true
  async: 86400
  poll: 0
  loop: [pg-eu, pg-us]
  register: started

- name: Wait for the backups
  pgdr.barman.wait_for_jobs:
    jobs: "{{ started.results }}"
    servers: [pg-eu, pg-us]
    timeout: 86400
  become: true
  register: ended
"""

RETURN = r"""
jobs:
  description:
    - The results of the jobs, in the order of O(jobs), each with the return values of its module and the keys below.
  returned: always
  type: list
  elements: dict
  contains:
    job_state:
      description:
        - V(done) if there is a result, which can be a failure.
        - V(dead) if the job can't return a result any more. V(unreachable) and V(overdue) if the module stopped waiting before the job ended.
      type: str
      sample: done
    job_over:
      description: Whether no process of the job can still be running.
      type: bool
      sample: true
    failed:
      description: Whether the job failed, or has no result.
      type: bool
      sample: false
    msg:
      description: The message of the job's module. For a job without a result, the last observed state and what to do.
      type: str
      sample: ""
"""
