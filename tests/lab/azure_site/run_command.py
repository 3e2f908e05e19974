"""run_command.py MACHINE SCRIPT [NAME=VALUE…]: Azure's run-command action, as an operator's program asks for it."""

import json
import os
import sys
import time
import urllib.parse
import urllib.request

form = {
    "grant_type": "client_credentials",
    "client_id": os.environ["AZURE_CLIENT_ID"],
    "client_secret": os.environ["AZURE_CLIENT_SECRET"],
    "scope": "https://management.azure.com/.default",
}
login = f"https://login.microsoftonline.com/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
token = json.load(urllib.request.urlopen(login, urllib.parse.urlencode(form).encode()))["access_token"]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
parameters = [dict(zip(("name", "value"), word.split("=", 1), strict=True)) for word in sys.argv[3:]]
body = {"commandId": "RunShellScript", "script": sys.argv[2].splitlines(), "parameters": parameters}
url = f"https://management.azure.com{sys.argv[1]}/runCommand?api-version=2024-07-01"
answer = urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers))
place = answer.headers["Location"]
deadline = time.monotonic() + 60
while answer.status == 202 and time.monotonic() < deadline:
    answer = urllib.request.urlopen(urllib.request.Request(place, headers=headers))
message = json.load(answer)["value"][0]["message"]
print(message.partition("[stdout]\n")[2].partition("\n[stderr]")[0], end="")
