#!/bin/sh
# Runs in the machine: one request with its identity's token. CLIENT, RESOURCE, URL and METHOD come as parameters.
# Prints the status, then the error's code or the whole answer.
place=http://169.254.169.254/metadata/identity/oauth2/token
token=$(curl -sf -G -H Metadata:true --data-urlencode "resource=$RESOURCE" -d "client_id=$CLIENT" \
    -d api-version=2018-02-01 "$place" | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
set -- -X "$METHOD" -H "Authorization: Bearer $token" -H 'x-ms-version: 2023-11-03' "$URL"
if [ "$METHOD" = PUT ]; then
    set -- -H 'x-ms-blob-type: BlockBlob' --data-binary changed "$@"
fi
curl -s -o /tmp/got -w '%{http_code} ' "$@"
grep -o '<Code>[A-Za-z]*' /tmp/got || cat /tmp/got
