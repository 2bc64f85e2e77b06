# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every alert in real time (`make alerts`): the collection's playbooks, rules and times, with Debian's Prometheus, Alertmanager and node exporter.

prepare.yml  from bare machines to servers that are backed up and watched
faults       the lab in which faults are caused, several at the same time; fault.py and cases_*.py: what they are
quiet        the lab in which nothing is done for an hour
site.py      a lab that is watched
watching.py  what Alertmanager reports
measure.py   a fault, from its begin to the end of its alert
report.py    results as values, and the tables of docs/tested.md (pure)
"""
