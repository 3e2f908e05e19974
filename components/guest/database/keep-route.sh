#!/bin/sh
# keep-route.sh RANGE VIA: keeps the route in place. A network manager that reconfigures a link removes routes that it does
# not know (systemd-networkd's ManageForeignRoutes is on by default), so each routing or link event is a reason to look.
set -eu
range=$1 via=$2
# 116: a protocol number of its own, so that undo removes this route and no other.
keep() {
  ip route show exact "$range" | grep -q "via $via " || ip route replace "$range" via "$via" proto 116
}
keep
ip monitor link route | while read -r _; do
  keep || true
done
