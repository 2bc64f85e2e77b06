#!/bin/sh
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# recipe.sh ROOT SUITE MIRROR: makes a bootable Debian in the new directory ROOT.
# ROOT.conf holds the host's apt settings (proxies and the like). Runs in mount and process namespaces of its own, so that
# nothing of it outlives it. A change here makes every cached image stale.
set -eu
root=$1 suite=$2 mirror=$3

debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror"

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }

mount -t proc proc "$root/proc"
# No service starts while the image is made.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

# Lab machines live for minutes: what they write need not survive a crash of the host.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/lab"
cp "$root.conf" "$root/etc/apt/apt.conf.d/90host"
echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/91lab"
echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
if [ "$suite" != sid ]; then
    echo "deb $mirror $suite-updates main" >>"$root/etc/apt/sources.list"
    echo "deb ${mirror%/debian}/debian-security $suite-security main" >>"$root/etc/apt/sources.list"
fi
cp -L /etc/resolv.conf "$root/etc/resolv.conf"

if [ -d /usr/local/share/ca-certificates ]; then
    cp -rL /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    inside update-ca-certificates
fi

inside apt-get update
inside apt-get install -y --no-install-recommends \
    systemd systemd-sysv dbus openssh-server python3 python3-apt sudo cron iproute2 iptables procps rsync \
    openssh-client
# What the tests install, fetched beforehand: machines install real packages, quickly and without the network.
inside apt-get install -y --download-only \
    postgresql postgresql-contrib barman barman-cli python3-psycopg python3-psycopg2 lz4 zstd pigz bzip2 xz-utils acl openssl

# What those depend on is installed, which takes longer than they do: libraries, interpreters, no package that a role names.
inside apt-get install -y --no-install-recommends $(inside apt-get -s install postgresql barman |
    awk '$1 == "Inst" && $2 !~ /^(postgresql|barman|python3-(barman|psycopg|boto|azure|lz4|zstandard|snappy)|rsync|lz4|zstd|pigz|bzip2|xz-utils|acl|openssl)/ { print $2 }')

printf 'LANG=C.UTF-8\n' >"$root/etc/default/locale"
inside systemctl enable ssh
# Of no use in a container, or in the way of tests (apt's timers take its lock).
inside systemctl mask systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
    console-getty.service getty.target getty-static.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer

# Each machine gets its own of these when it is made.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/etc/hosts" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
rm "$root/usr/sbin/policy-rc.d"
umount "$root/proc"
