#!/bin/sh
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# prepare.sh servers | archive VERSION...: lab machines with the programs of PostgreSQL that npm has, in /usr/lib/postgresql/VERSION.
#   servers   two clusters of each version, managed and unmanaged, as services of systemd
#   archive   the programs alone, which prove a recovery
set -eu
export DEBIAN_FRONTEND=noninteractive
kind=$1
shift

mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
apt-get update -qq
apt-get install -y -qq postgresql-17 rsync

cluster() {
    data=/var/lib/postgresql/$1/$2
    [ ! -e "$data" ] || return 0
    install -d -o postgres -g postgres "/var/lib/postgresql/$1"
    # md5, as many servers still have it that once were older: new passwords become MD5 hashes unless somebody asks for SCRAM.
    runuser -u postgres -- "/usr/lib/postgresql/$1/bin/initdb" --pgdata="$data" --locale=C.UTF-8 \
        --auth-local=peer --auth-host=md5 >/dev/null
    printf "port = %s\nunix_socket_directories = '/var/run/postgresql'\n" "$3" >>"$data/postgresql.conf"
    cat >"/etc/systemd/system/matrix-$2-$1.service" <<UNIT
[Service]
User=postgres
ExecStart=/usr/lib/postgresql/$1/bin/postgres -D $data
ExecReload=/bin/kill -HUP \$MAINPID
KillMode=mixed
KillSignal=SIGINT
[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable --quiet --now "matrix-$2-$1"
}

install -d -o postgres -g postgres -m 2775 /var/run/postgresql
for version in "$@"; do
    chown -R root:root "/usr/lib/postgresql/$version"
    # The package of npm has initdb, pg_ctl and postgres only. Version 17 has the same control file as 13 to 16.
    for program in psql pg_controldata; do
        ln -sfn "../../17/bin/$program" "/usr/lib/postgresql/$version/bin/$program"
    done
    if [ "$kind" = servers ]; then
        cluster "$version" managed "55$version"
        cluster "$version" unmanaged "54$version"
    fi
done
