#!/bin/sh
# breakages-standby.sh make|undo NAME: breaks one thing of a standby machine, silently, as people and machines do. `undo`
# is what a person does about it: the role applied again, where it is the role's.
set -eu
verb=$1 name=$2
tomcat=$(basename "$(ls -d /usr/share/tomcat1[01])")

case "$name $verb" in
"nginx-not-at-boot make") systemctl --quiet disable nginx.service ;;
"application-stopped make") systemctl --quiet disable --now "$tomcat.service" ;;
"certificate-timer-off make") systemctl --quiet disable --now twinsite-standby-certificate.timer ;;
"backup-timer-off make") systemctl --quiet disable --now twinsite-backup.timer ;;
"origin-open make")
  sed -i 's/return 403/return 200/' /etc/nginx/conf.d/twinsite.conf && systemctl reload nginx.service
  ;;
"application-changed make") printf 'x' >>"$(ls /var/lib/"$tomcat"/webapps/*.war)" ;;
"password-changed make") echo wrong >/etc/twinsite/application.password ;;
"standby-log-disk-full make")
  mount -t tmpfs -o size=1m breakage /var/log
  head -c 1000000 /dev/zero >/var/log/filler
  ;;
"standby-log-disk-full undo") umount /var/log ;;
*" undo") /usr/local/sbin/twinsite-guest standby apply >/dev/null ;;
*)
  echo "no breakage $name" >&2
  exit 2
  ;;
esac
