#!/bin/sh
# breakages-gateway.sh make|undo NAME: breaks one thing of a gateway, silently, as people and machines do. `undo` is what
# a person does about it; most are mended by `twinsite repair` before.
set -eu
verb=$1 name=$2
folder=/etc/swanctl/conf.d
secrets=$(ls "$folder"/twinsite-*-secrets.conf)
connection=${secrets%-secrets.conf}.conf
child=$(basename "$connection" .conf)
child=${child#twinsite-}
wan=$(ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
peer_range=$(sed -n 's/^ *remote_ts = //p' "$connection")
own_range=$(sed -n 's/^ *local_ts = //p' "$connection")
extra=/etc/sysctl.d/99-hardening.conf
theirs() { nft add table inet theirs && nft add chain inet theirs "$1" "{ type filter hook $1 priority ${2:-0}; policy accept; }"; }
apply() { /usr/local/sbin/twinsite-guest gateway apply >/dev/null; }
# Load what a file is not: changed for a moment, loaded, and put back as it was.
aside() {
  cp -p "$1" /run/breakage.conf
  shift
  "$@"
}
back() { cp -p /run/breakage.conf "$1" && rm /run/breakage.conf; }

case "$name $verb" in
"announce-stopped make") systemctl --quiet disable --now twinsite-gateway-announce.socket ;;
"keepalive-stopped make") systemctl --quiet disable --now twinsite-gateway-keepalive.service ;;
"keepalive-masked make")
  systemctl --quiet stop twinsite-gateway-keepalive.service
  rm /etc/systemd/system/twinsite-gateway-keepalive.service
  systemctl --quiet mask twinsite-gateway-keepalive.service
  ;;
"keepalive-masked undo")
  systemctl --quiet unmask twinsite-gateway-keepalive.service
  apply
  ;;
"charon-not-at-boot make") systemctl --quiet disable strongswan.service ;;
"guard-not-at-boot make") systemctl --quiet disable twinsite-gateway.service ;;
"agent-stopped make") systemctl --quiet stop twinsite-agent.service ;;
"agent-not-at-boot make") systemctl --quiet disable twinsite-agent.service ;;
"agent-stopped undo" | "agent-not-at-boot undo") systemctl --quiet enable --now twinsite-agent.service ;;
"agent-deaf make") theirs output && nft add rule inet theirs output tcp dport 443 drop ;;
"clamp-gone make") nft flush chain inet twinsite_gateway segment_size ;;
"clear-in-gone make") nft flush chain inet twinsite_gateway clear_in ;;
"way-out-gone make") nft flush chain inet twinsite_gateway way_out ;;
"forward-dropped make") theirs forward && nft add rule inet theirs forward ip daddr "$own_range" drop ;;
"ike-dropped make")
  # What is known goes on; who has to call again is not let in.
  theirs input && nft add rule inet theirs input ct state established accept &&
    nft add rule inet theirs input udp dport '{ 500, 4500 }' drop
  ;;
"loss make")
  theirs output && nft add rule inet theirs output ip daddr "$peer_range" numgen random mod 10 '<' 5 drop
  ;;
"large-dropped make") theirs output && nft add rule inet theirs output ip daddr "$peer_range" meta length '>' 1300 drop ;;
"forward-dropped undo" | "ike-dropped undo" | "loss undo" | "large-dropped undo" | "agent-deaf undo")
  nft delete table inet theirs
  ;;
"forwarding-off make") sysctl -q -w net.ipv4.ip_forward=0 ;;
"interface-forwarding-off make") sysctl -q -w "net.ipv4.conf.$wan.forwarding=0" ;;
"echo-ignored make") sysctl -q -w net.ipv4.icmp_echo_ignore_all=1 ;;
"echo-ignored undo") sysctl -q -w net.ipv4.icmp_echo_ignore_all=0 ;;
"forwarding-off-at-boot make") echo "net.ipv4.ip_forward = 0" >"$extra" ;;
"forwarding-off-at-boot undo") rm "$extra" ;;
"sysctl-file-gone make") rm /etc/sysctl.d/60-twinsite-gateway.conf ;;
"key-changed make")
  sed -i 's/secret = "\(.*\)."$/secret = "\1x"/' "$secrets" && swanctl --load-creds --noprompt >/dev/null 2>&1
  ;;
"key-unloaded make")
  aside "$secrets" truncate -s 0 "$secrets"
  swanctl --load-creds --noprompt >/dev/null 2>&1
  back "$secrets"
  ;;
"key-of-another-file make")
  # No connection uses it yet; charon takes it for the peer all the same.
  id=$(sed -n 's/^ *id-remote = //p' "$secrets" | head -n 1)
  printf 'secrets {\n  ike-old {\n    id-remote = %s\n    secret = "of-a-tunnel-of-long-ago"\n  }\n}\n' "$id" >"$folder/old.conf"
  ;;
"key-of-another-file undo") rm "$folder/old.conf" ;;
"connection-changed make")
  aside "$connection" sed -i 's/dpd_delay = .*/dpd_delay = 300s/; s/rekey_time = 4h/rekey_time = 0s/' "$connection"
  swanctl --load-conns >/dev/null 2>&1
  back "$connection"
  ;;
"connection-unloaded make")
  aside "$connection" truncate -s 0 "$connection"
  swanctl --load-conns >/dev/null 2>&1
  back "$connection"
  ;;
"connection-file-gone make") rm "$connection" ;;
"timers-changed make") sed -i 's/retransmit_tries = .*/retransmit_tries = 60/' /etc/strongswan.d/twinsite.conf ;;
"trap-gone make") swanctl --uninstall --child "$child" >/dev/null 2>&1 ;;
"way-gone make") ip route flush table 220 ;;
"blackhole-gone make") ip route del blackhole "$peer_range" ;;
"dead-end make") ip route add blackhole "${own_range%.0/*}.77/32" ;;
"dead-end undo") ip route del blackhole "${own_range%.0/*}.77/32" ;;
"log-disk-full make")
  mount -t tmpfs -o size=1m breakage /var/log
  head -c 1000000 /dev/zero >/var/log/filler
  ;;
"log-disk-full undo") umount /var/log ;;
*" undo") apply ;;
*)
  echo "no breakage $name" >&2
  exit 2
  ;;
esac
