# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the table of variables that the findings about the architecture read.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from .kinds import ACCEPTED_FINDINGS, BOTH, FAIL_ON, OBJECTIVE, PG, TEXT, Variable

ADVICE_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "barman_hypervisor",
        BOTH,
        TEXT,
        "",
        "The physical host that runs this virtual machine. A virtual machine can't find it out itself, except on Hyper-V.",
        default="what Hyper-V reports",
    ),
    Variable(
        "barman_accepted_findings",
        BOTH,
        ACCEPTED_FINDINGS,
        (),
        "Findings of pgdr.barman.preflight that are accepted: code, subject, reason and until, the last day. See advice.md.",
    ),
    Variable(
        "barman_preflight_fail_on",
        BOTH,
        FAIL_ON,
        (),
        "Codes or severities (critical, warning, notice) of findings. If one is open, pgdr.barman.deploy fails before it changes anything, and "
        "pgdr.barman.preflight fails at its end.",
    ),
    Variable(
        "barman_rpo",
        PG,
        OBJECTIVE,
        None,
        'The longest time whose transactions may be lost, as "5 MINUTES". 0: no committed transaction is lost.',
        default="not declared",
    ),
    Variable(
        "barman_rto",
        PG,
        OBJECTIVE,
        None,
        'The longest time that a recovery may take, as "4 HOURS".',
        default="not declared",
    ),
)
