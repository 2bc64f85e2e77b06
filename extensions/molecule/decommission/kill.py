# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook and kill it as soon as a task begins: python kill.py TASK PLAYBOOK [ARGUMENT...]

Fails if the playbook ends before that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

task, *arguments = sys.argv[1:]
command = ["ansible-playbook", *arguments]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
assert process.stdout is not None
output = []
for line in process.stdout:
    output.append(line)
    if line.startswith("TASK [") and task in line:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        sys.exit(0)
sys.exit("".join(output[-60:]) + f"\nThe task '{task}' did not begin.")
