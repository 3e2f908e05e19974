#!/bin/sh
# What `pulumi up` and `destroy` run on an on-prem gateway, in their order; each line of /out/said is `what: exit code`.
# /test has the bundles and the texts that the command provider sends.
say() { echo "$1: $2" >>/out/said; }
if [ -e /test/uutils ]; then
  # As Ubuntu 26.04 has them: first on PATH, also sudo's.
  for name in $(coreutils --list); do ln -sf /usr/bin/coreutils "/usr/local/bin/$name"; done
fi
ip link add lan0 type veth peer name lan1
ip link set lan0 up
ip link set lan1 up
ip address add 192.168.64.10/24 dev lan0
ip route add default via 192.168.64.1

install --version | head -n 1 >/out/install
python3 -c 'import platform; print(platform.python_version())' >/out/python
for at in first first second; do
  sh /test/over-ssh.sh <"/test/$at" >>/out/applied
  say "apply $at" $?
done
for text in former latter; do
  echo "$text" | sh /test/put.sh
  say "put $text" $?
done
cp "/srv/a folder/it's.json" /out/file
twinsite-guest gateway report >/out/report
say report $?
systemctl is-active --quiet strongswan twinsite-gateway
say services $?
nft add table inet other
nft 'add chain inet other forward { type filter hook forward priority 0; policy drop; }'
twinsite-guest gateway apply 2>/out/refused
say "apply behind another firewall" $?
nft delete table inet other
sh -c "$(cat /test/undo.sh)"
say remove $?
ls -d /opt/twinsite /etc/twinsite /etc/swanctl/conf.d/* /usr/local/sbin/twinsite-guest >/out/left 2>/dev/null
nft list tables >>/out/left
