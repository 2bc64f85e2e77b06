# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of others in authorized_keys."""

from __future__ import annotations

from ansible_collections.pgdr.barman.plugins.module_utils._adoption.keys import foreign_keys

OURS = 'restrict,from="198.51.100.21",command="x" ssh-ed25519 AAAA pgdr.barman:archiving:postgres@pg-eu'


def test_the_comments_of_others() -> None:
    text = f'# mine\n\n{OURS}\nssh-rsa AAAB postgres@db 1\nfrom="10.0.0.1" ecdsa-sha2-nistp256 AAAC\nnonsense\n'
    assert foreign_keys(text) == ["postgres@db 1", "ecdsa-sha2-nistp256", "a line that is no key"]
