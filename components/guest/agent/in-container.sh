#!/bin/sh
# Unpacks the guest payload into the container's work folder and runs its arguments there: python3 -m backup VERB …
# A run that no schedule started (kubectl create job --from=cronjob/…) is planned: it does not count for the RPO.
set -eu
mkdir -p /var/lib/twinsite/guest
tar -xzf /etc/twinsite/payload.tar.gz -C /var/lib/twinsite/guest
cd /var/lib/twinsite/guest
if [ "$*" = "python3 -m backup run" ]; then
  number=${JOB_NAME#"$CRONJOB"-}
  case "$number" in
  "$JOB_NAME" | "" | *[!0-9]*) set -- "$@" --planned ;;
  esac
fi
exec "$@"
