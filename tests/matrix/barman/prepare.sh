#!/bin/sh
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# prepare.sh build | pg | backup: what a person does who has Barman from PyPI, on a lab machine.
#   build   a virtual environment of each release, /opt/barman/RELEASE, from the wheels in /root/wheels
#   pg      two clusters of PostgreSQL, and barman-wal-archive
#   backup  the user, the directories and the cron job that Barman's package would bring
set -eu
export DEBIAN_FRONTEND=noninteractive

link() {
    for program in "$@"; do ln -sfn "/opt/barman/current/bin/$program" "/usr/local/bin/$program"; done
}

case $1 in
build)
    python3 -m zipfile -e /root/wheels/pip-*.whl /root/pip
    sed '/^#/d' /root/wheels/barman.txt | while read -r pinned; do
        release=${pinned#barman==} release=${release%% *}
        if [ -x "/opt/barman/$release/bin/barman" ]; then continue; fi
        python3 -m venv --without-pip "/opt/barman/$release"
        { echo "$pinned"; cat /root/wheels/libraries.txt; } >/root/requirements.txt
        PYTHONPATH=/root/pip python3 -m pip --python "/opt/barman/$release/bin/python" install --quiet --no-deps \
            --no-index --find-links /root/wheels --require-hashes --requirement /root/requirements.txt </dev/null
    done
    ;;
pg)
    apt-get update -qq
    apt-get install -y -qq postgresql-17 python3-psycopg rsync
    [ -d /etc/postgresql/17/copied ] || pg_createcluster 17 copied --port=5433 --start
    link barman-wal-archive
    ;;
backup)
    apt-get update -qq
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    # file: Debian's package of Barman depends on it since 3.14.
    apt-get install -y -qq postgresql-17 cron file python3-psycopg rsync
    id barman >/dev/null 2>&1 || useradd --system --home-dir /var/lib/barman --shell /bin/bash barman
    install -d -o barman -g barman -m 0750 /var/lib/barman
    install -d -o barman -g barman -m 0750 /var/log/barman
    link barman
    # The package's cron job runs once a minute. This one does not keep the matrix waiting.
    cat >/etc/systemd/system/matrix-cron.service <<'UNIT'
[Service]
User=barman
ExecStart=/bin/sh -c 'while sleep 15; do /usr/local/bin/barman -q cron; done'
UNIT
    systemctl daemon-reload
    ;;
esac
