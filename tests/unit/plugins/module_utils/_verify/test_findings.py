# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a verification does after a finding."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._verify.request import RecoveryVerificationError
from ansible_collections.pgdr.barman.plugins.module_utils._verify.run import FAILED_PHASE, Findings


def test_later_phases_of_a_copy_go_on_and_all_findings_are_reported() -> None:
    findings, facts = Findings(collect=True), dict[str, Any]()
    for phase in ("queries", "amcheck"):
        with findings.of_phase(phase):
            raise RecoveryVerificationError(f"{phase} found damage")
    with findings.of_phase("checksums"):
        pass
    with pytest.raises(RecoveryVerificationError, match="queries found damage; amcheck found damage") as caught:
        findings.refuse(facts)
    assert caught.value.facts[FAILED_PHASE] == "queries"


def test_without_a_copy_the_first_finding_ends_the_verification() -> None:
    findings = Findings(collect=False)
    with pytest.raises(RecoveryVerificationError, match="wrong rows"), findings.of_phase("queries"):
        raise RecoveryVerificationError("wrong rows")
    findings.refuse({})


def test_without_a_finding_nothing_is_raised() -> None:
    findings, facts = Findings(collect=True), dict[str, Any]()
    with findings.of_phase("queries"):
        pass
    findings.refuse(facts)
    assert facts == {}
