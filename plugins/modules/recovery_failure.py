# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_failure
short_description: Find out where a failed recovery stands
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Judges what the steps of a recovery returned. Results of an earlier recovery do not count.
  - With O(state=reported), the module fails and reports the cause, the state of the recovery, and what to do.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  state:
    description: V(assessed) returns how far the recovery came. V(reported) fails with the message.
    type: str
    choices: [assessed, reported]
    default: assessed
  recovery:
    description: The recovery, as M(pgdr.barman.recovery) returns it.
    type: dict
    required: true
  begun:
    description: What M(pgdr.barman.recovery_record) returned with O(pgdr.barman.recovery_record#module:state=begun).
    type: dict
    default: {}
  stopped:
    description: What the task returned that stopped PostgreSQL.
    type: dict
    default: {}
  started:
    description: What the loop over the id of the recovery returned that started the copy in the background.
    type: dict
    default: {}
  ended:
    description: What M(pgdr.barman.wait_for_jobs) returned.
    type: dict
    default: {}
  running:
    description: What M(pgdr.barman.require_recovered) returned.
    type: dict
    default: {}
  task:
    description: The name of the task that failed. Needed with O(state=reported).
    type: str
  error:
    description: Why it failed. Needed with O(state=reported).
    type: str
  data_directory:
    description: The data directory. Needed with O(state=reported).
    type: str
  service:
    description: The systemd unit. Needed with O(state=reported).
    type: str
  record:
    description: What M(pgdr.barman.recovery_record) returned after the failure.
    type: dict
    default: {}
  restarted:
    description: What the task returned that started PostgreSQL again.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Find the state of the failed recovery
  pgdr.barman.recovery_failure:
    recovery: "{{ barman_recovery }}"
    begun: "{{ barman_begun | default({}) }}"
    started: "{{ barman_copy | default({}) }}"
  register: barman_progress
"""

RETURN = r"""
begun:
  description: Whether the recovery is recorded on the host, so that it was about to change something.
  returned: always
  type: bool
  sample: true
stopped:
  description: Whether the recovery has stopped PostgreSQL, which ran.
  returned: always
  type: bool
  sample: true
copying:
  description: Whether the copy may still run.
  returned: always
  type: bool
  sample: false
source_lost:
  description: Whether the backup server could not be reached as the copy started.
  returned: always
  type: bool
  sample: false
running:
  description: Whether the recovered server runs.
  returned: always
  type: bool
  sample: false
record_state:
  description: The state for M(pgdr.barman.recovery_record), V(abandoned), or V(read) while the copy may run.
  returned: always
  type: str
  sample: abandoned
"""
