# shellcheck shell=sh disable=SC2016
# Machine ${machine}, told ${told}: a change of either runs this again.
# Waits for the real verdict of this machine's role and ends with it: Azure calls a machine "succeeded" whose bootstrap
# failed. Everything printed here is what `pulumi up` shows when it fails.
set -u
role='${role}' wanted='${told}' timeout='${timeout}'
log=/var/log/dr-vm-init.log guest=/usr/local/sbin/twinsite-guest
deadline=$(($(date +%s) + timeout))
fail() {
  echo "$1" >&2
  for file in /var/log/cloud-init-output.log "$log"; do
    [ -f "$file" ] && { echo "--- $file"; tail -n 25 "$file"; } >&2
  done
  journalctl -u twinsite-agent.service -n 15 --no-pager -o cat >&2
  exit 1
}
until [ -x "$guest" ] && [ "$(cat "/etc/twinsite/$role.told" 2>/dev/null)" = "$wanted" ]; do
  # Exit 2 is "recoverable errors" since 23.4: something of the bootstrap was not done, which is a failure here.
  status=$(cloud-init status 2>/dev/null)
  case "$status" in
  *done*)
    systemctl is-enabled --quiet twinsite-agent.service || fail "the bootstrap ended without the agent: $status" ;;
  *error* | *degraded*) fail "cloud-init failed: $status" ;;
  esac
  [ "$(date +%s)" -lt "$deadline" ] || fail "the machine was not told its role within $timeout s"
  sleep 1
done
"$guest" "$role" gate --timeout "$((deadline - $(date +%s)))" || fail "the role $role did not get ready"
