#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_credentials
short_description: Manage Barman's credentials for a cloud provider
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes credentials into the files that the providers' libraries read when Barman runs, from cron or from a shell. Only Barman's user can read
    these files.
  - The module never changes content of other owners. If such content conflicts with the credentials, the module fails.
  - On a machine in the cloud, prefer a role of the machine (AWS), its service account (Google) or a managed identity (Azure). They need no file.
  - The module does not support Azure. Barman reads a secret of Azure only from its environment, and cron does not set one. Use a managed identity, or
    run C(az login) as Barman's user.
options:
  aws:
    description:
      - AWS profiles by name. The keys of each are settings of AWS's own file, such as C(aws_access_key_id), C(aws_secret_access_key), C(region) or
        C(endpoint_url).
      - A server's option C(aws_profile) names the profile that Barman uses. Without it, Barman uses the profile V(default).
      - The module writes the profiles as a block of C(~/.aws/credentials). Other profiles in that file do not change.
      - An empty dictionary removes the block. If it is not set, the module does not read the file.
    type: dict
  google:
    description:
      - The key of a Google service account, with the content of its JSON file.
      - The module writes it to C(~/.config/gcloud/application_default_credentials.json), and adds C(managed_by).
      - An empty dictionary removes the file if this module wrote it. If it is not set, the module does not read the file.
    type: dict
  user:
    description:
      - The operating system user that Barman runs as.
      - Run the module as this user or as root.
    type: str
    default: barman
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - A difference would show secrets.
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Write the credentials for snapshots with AWS and Google
  pgdr.barman.cloud_credentials:
    aws:
      default:
        aws_access_key_id: "{{ vault_aws_access_key_id }}"
        aws_secret_access_key: "{{ vault_aws_secret_access_key }}"
        region: eu-central-1
    google: "{{ vault_google_service_account }}"
  become: true

- name: Remove the credentials for AWS
  pgdr.barman.cloud_credentials:
    aws: {}
  become: true
"""

RETURN = r"""
files:
  description:
    - The files that contain credentials of this module.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/barman/.aws/credentials]
profiles:
  description:
    - The names of the requested AWS profiles.
  returned: success
  type: list
  elements: str
  sample: [default]
"""

from typing import Any

from ..module_utils._host.process import lookup_user
from ..module_utils._host.result import Result
from ..module_utils._module import run_module
from ..module_utils._server.cloud_credentials import apply, plan

ARGUMENTS: dict[str, Any] = {
    "aws": {"type": "dict", "no_log": True},
    "google": {"type": "dict", "no_log": True},
    "user": {"type": "str", "default": "barman"},
}


def write_credentials(params: dict[str, Any], *, check_mode: bool) -> Result:
    user = params["user"]
    files = plan(lookup_user(user).pw_dir, params["aws"], params["google"], user)
    if not check_mode:
        apply(files, user)
    values = {"files": [file.path for file in files if file.holds], "profiles": sorted(params["aws"] or {})}
    return Result(any(file.changed for file in files), values)


def main() -> None:
    run_module(ARGUMENTS, write_credentials)


if __name__ == "__main__":
    main()
