"""job.py CLIENT SERVICE_ACCOUNT: what a pod does: its token for one of Azure, then a write and a deletion a container.

Prints the statuses, or Entra's code.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

from lab.client import Client

box = Client(os.environ["TWINSITE_LAB_SOCKET"])
audience = "api://AzureADTokenExchange"
assertion = box.call("service_account_token", namespace="petclinic", name=sys.argv[2], audience=audience)
form = {
    "grant_type": "client_credentials",
    "client_id": sys.argv[1],
    "scope": "https://storage.azure.com/.default",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": assertion,
}
login = f"https://login.microsoftonline.com/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
try:
    token = json.load(urllib.request.urlopen(login, urllib.parse.urlencode(form).encode()))["access_token"]
except urllib.error.HTTPError as error:
    print(json.load(error)["error_description"].partition(":")[0])
    sys.exit()
for container in ("mysql-backup", "guests"):
    url = f"https://drbackuplab.blob.core.windows.net/{container}/backups/manifest.json"
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03", "x-ms-blob-type": "BlockBlob"}
    for method, body in (("PUT", b"{}"), ("DELETE", None)):
        try:
            print(urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)).status)
        except urllib.error.HTTPError as error:
            print(error.code)
