#!/bin/sh
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# boot.sh GROUP DIRECTORY IMAGE_ROOT [IMAGE_FILE PATH]... -- NSPAWN...: boots one machine and stays with it.
# Runs in a mount namespace of its own: its mounts, loop devices included, end with its last process. GROUP is the machine's
# control group as seen from the root of the version 2 hierarchy.
set -eu
group=$1 directory=$2 image=$3
shift 3

if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    # A hybrid or version 1 layout, which a present systemd refuses.
    umount -R -l /sys/fs/cgroup 2>/dev/null || true
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
echo $$ >"/sys/fs/cgroup/$group/boot/cgroup.procs"

# What nspawn notes about a container it would leave behind when it is killed.
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
# A power cut does not reach the host's kernel, so nothing is lost that was not synced: to sync would only cost time. The kernel marks
# a disk that was mounted so, and refuses it the next time.
rm -rf "$directory/work/work/incompat"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$directory/upper,workdir=$directory/work,volatile" "$directory/root"
while [ "$1" != -- ]; do
    mkdir -p "$directory/root$2"
    mount -o loop,noatime "$1" "$directory/root$2"
    shift 2
done
shift

# 133: rebooted from inside.
code=133
while [ "$code" = 133 ]; do
    code=0
    "$@" || code=$?
done
exit "$code"
