#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A real S3 server for tests: Ceph's gateway on one monitor and one OSD that keeps everything in memory, all on loopback.
# Usage: ceph-s3.sh DIR PORT MONITOR_PORT ACCESS_KEY SECRET_KEY
# Says "ready" on standard output when the user can log in. When standard input closes, however its writer ended,
# the daemons are ended and DIR is removed.
dir=$1 port=$2 monitor=$3 access=$4 secret=$5
umask 077
mkdir -p "$dir/mon" "$dir/osd" || exit 1
fsid=$(cat /proc/sys/kernel/random/uuid)
export CEPH_CONF="$dir/ceph.conf"
cat > "$CEPH_CONF" <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$monitor/0
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
run dir = $dir
admin socket = $dir/\$name.asok
log file = $dir/\$name.log
[mon]
mon data = $dir/mon
mon cluster log file = $dir/cluster.log
[osd]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd crush initial weight = 1
[client]
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:$port
rgw enable usage log = false
CONF

daemons=
end() {
  trap - EXIT
  for pid in $daemons; do kill -9 "$pid" 2>/dev/null; done
  wait
  rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM

# The writer of our standard input is the test run: its end is ours.
exec 3<&0 0</dev/null
main=$$
(cat <&3 >/dev/null; kill "$main") 2>/dev/null &
exec 3<&-

daemon() { "$@" >>"$dir/daemons.log" 2>&1 & daemons="$daemons $!"; }
quietly() { "$@" >>"$dir/daemons.log" 2>&1; }

quietly monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$monitor/0]" "$dir/monmap" || exit 1
quietly ceph-mon -i a --mkfs --monmap "$dir/monmap" || exit 1
daemon ceph-mon -f -i a
quietly timeout 30 ceph osd create || exit 1
quietly ceph-osd -i 0 --mkfs || exit 1
daemon ceph-osd -f -i 0
quietly timeout 60 radosgw-admin user create --uid=tests --display-name=tests --access-key="$access" --secret-key="$secret" || exit 1
daemon radosgw -f -n client.admin
echo ready
wait
