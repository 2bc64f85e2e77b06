#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_credentials
short_description: Give Barman its credentials for a cloud provider
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Writes credentials into the files in which the providers' libraries look for them when Barman runs, from cron as from a shell. Only Barman's user can
    read them.
  - What somebody else wrote there is never changed, and is an error where it is in the way.
  - On a machine of the cloud itself a role of the machine (AWS), its service account (Google) or a managed identity (Azure) needs no file,
    and is the better way.
  - There is nothing here for Azure. Barman takes a secret of Azure only from its environment, and cron gives it none; use a managed identity, or
    C(az login) as Barman's user.
options:
  aws:
    description:
      - Profiles of AWS, each with its settings as they are called in AWS's own file, such as C(aws_access_key_id), C(aws_secret_access_key), C(region) or
        C(endpoint_url). A server's option C(aws_profile) names one; without it V(default) is meant.
      - They are a block of C(~/.aws/credentials); other profiles in that file stay as they are.
      - An empty dictionary takes the block away. Where it is not given, the file is not looked at.
    type: dict
  google:
    description:
      - The key of a service account of Google, as its JSON file has it.
      - It becomes C(~/.config/gcloud/application_default_credentials.json), with C(managed_by) added.
      - An empty dictionary takes the file away, if this module wrote it. Where it is not given, the file is not looked at.
    type: dict
  user:
    description:
      - The operating system user that Barman runs as.
      - The module may run as this user, or as root.
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
- name: Let Barman take snapshots with AWS, and with Google
  pgdr.barman.cloud_credentials:
    aws:
      default:
        aws_access_key_id: "{{ vault_aws_access_key_id }}"
        aws_secret_access_key: "{{ vault_aws_secret_access_key }}"
        region: eu-central-1
    google: "{{ vault_google_service_account }}"
  become: true

- name: Let it do so with AWS no longer
  pgdr.barman.cloud_credentials:
    aws: {}
  become: true
"""

RETURN = r"""
files:
  description:
    - The files that hold credentials which this module wrote.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/barman/.aws/credentials]
profiles:
  description:
    - The names of the profiles of AWS that were asked for.
  returned: success
  type: list
  elements: str
  sample: [default]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, lookup_user
from ansible_collections.pgdr.barman.plugins.module_utils._server.cloud_credentials import apply, plan


def argument_spec() -> dict[str, Any]:
    return {
        "aws": {"type": "dict", "no_log": True},
        "google": {"type": "dict", "no_log": True},
        "user": {"type": "str", "default": "barman"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    aws, google, user = module.params["aws"], module.params["google"], module.params["user"]
    try:
        home = lookup_user(user).pw_dir
        files = plan(home, aws, google, user)
        if not module.check_mode:
            apply(files, user)
    except HostError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(
        changed=any(file.changed for file in files),
        files=[file.path for file in files if file.holds],
        profiles=sorted(aws or {}),
    )


if __name__ == "__main__":
    main()
