# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask EC2 something: python ask.py ENDPOINT OPERATION ARGUMENTS, the arguments in JSON. Prints the answer in JSON."""

from __future__ import annotations

import json
import sys

import boto3

endpoint, operation, arguments = sys.argv[1:]
client = boto3.client(
    "ec2",
    endpoint_url=endpoint,
    region_name="eu-central-1",
    aws_access_key_id="LABLABLABLABLABLAB",
    aws_secret_access_key="a secret key of the lab",
)
answer = getattr(client, operation)(**json.loads(arguments))
answer.pop("ResponseMetadata", None)
print(json.dumps(answer, default=str))
