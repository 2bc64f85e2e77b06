# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests use of ansible-core, and releases before 2.19 have in another form or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:
    from ansible.module_utils import basic

    @contextlib.contextmanager
    def patch_module_args(module_args: Mapping[str, Any] | None = None) -> Iterator[None]:
        """The arguments that an AnsibleModule reads while the context lasts."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": dict(module_args or {})}).encode())
            yield


try:
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value: str) -> str:
        """The text itself: every text may be a template there."""
        return value


def modules_run_on_a_managed_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have warnings in a module's result, as outside of the controller's process. Before 2.19 they always are."""
    with contextlib.suppress(ImportError, AttributeError):
        monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)


def open_vault(monkeypatch: pytest.MonkeyPatch, secret: Any) -> None:
    """Decrypt vaulted values with this VaultSecret, as ansible-playbook does with the password that it was given."""
    secrets = [("default", secret)]
    try:
        from ansible.parsing.vault import VaultSecretsContext
    except ImportError:
        original = DataLoader.__init__

        def with_secrets(loader: DataLoader) -> None:
            original(loader)
            loader.set_vault_secrets(secrets)

        monkeypatch.setattr(DataLoader, "__init__", with_secrets)
    else:
        monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(secrets))


__all__ = ["modules_run_on_a_managed_host", "open_vault", "patch_module_args", "trust_as_template"]
