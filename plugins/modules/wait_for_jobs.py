# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for_jobs
short_description: Wait for asynchronous jobs, show their progress, and fail soon if one is dead
version_added: 1.0.0
description:
  - Waits until all of these jobs have ended. A job is a task with C(async) and C(poll=0) that was started on the same host, as the same user.
  - Shows the progress of Barman's operations as one line, at growing intervals.
  - Reports a job as dead within a minute if its process is gone without a result, or if the host was restarted.
  - A host that can't be reached for a moment is asked again. The jobs run without the connection.
  - Fails if a job failed, is dead, or has no result in time, and says what was observed last and what to do. It returns all results nevertheless.
  - Use C(delegate_to) if the jobs run on another host.
author:
  - pgdr.barman contributors (@pgdr)
options:
  jobs:
    description:
      - What the tasks with C(async) returned, such as C(results) of a registered loop.
      - One that has no C(ansible_job_id), as in check mode, has ended already.
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
      - Seconds until a job without a result is reported. Use the value of C(async); Ansible ends the job then by itself.
      - Two minutes are added to it.
    type: int
    default: 86400
  unreachable_timeout:
    description: Seconds that the host may give no answer.
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
    - The results of the jobs, in the order of O(jobs), each with what its module returned and the keys below.
  returned: always
  type: list
  elements: dict
  contains:
    job_state:
      description:
        - V(done) if there is a result, which may be a failure.
        - V(dead) if there will never be one; V(unreachable) and V(overdue) if the wait has ended before the job.
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
      description: What the job's module reported, or what was observed last of a job without a result, and what to do.
      type: str
      sample: ""
"""
