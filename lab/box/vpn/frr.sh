#!/bin/sh
# FRR of one router, in its room. Sockets are where vtysh looks for them. No port of telnet is open.
set -eu
install -d -o frr -g frr -m 750 /run/frr
/usr/lib/frr/zebra -d -u frr -g frr -P 0 -f /dev/null
exec /usr/lib/frr/bgpd -u frr -g frr -P 0 -f /srv/frr.conf
