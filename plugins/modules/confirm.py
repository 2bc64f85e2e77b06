# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: confirm
short_description: Prompt a person for confirmation, and fail without one
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Shows O(prompt) on the terminal of C(ansible-playbook) and reads a line. Every answer but O(answer) causes a failure.
  - Fails immediately if there is no terminal, and after O(timeout) seconds if nobody answers.
  - Fails immediately in a job of AWX and under C(ansible-runner), too. They provide a terminal that nobody reads, on which M(ansible.builtin.pause)
    waits without limit.
  - Runs on the controller and connects to no host.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  prompt:
    description: The text of the question.
    type: str
    required: true
  timeout:
    description: The number of seconds to wait for the answer.
    type: int
    default: 300
  remedy:
    description: A text for the error message, on what to do if nobody can answer.
    type: str
    default: ""
  answer:
    description: What the person has to type, in upper or lower case. Use a name if the wrong one would be a disaster.
    type: str
    default: "yes"
  confirmed:
    description: V(true) if a person has confirmed already. The module does not ask then.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Request confirmation
  pgdr.barman.confirm:
    prompt: Stop PostgreSQL on pg-eu? Type yes to go on
    timeout: 60
"""

RETURN = r"""
confirmed:
  description: Always V(true).
  returned: success
  type: bool
  sample: true
time:
  description: When it was confirmed, in seconds since the epoch, by the controller's clock.
  returned: success
  type: float
  sample: 1763627400.5
"""
