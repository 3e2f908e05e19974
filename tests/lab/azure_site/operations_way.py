"""operations_way.py MACHINE: Run Command, a store's lock and a latch object through the operations' own modules."""

import json
import sys

from operations import azure
from operations.journal import lock
from operations.journal.lock import Locked
from operations.store import open_store
from operations.transport.azure import RunCommand
from twinsite.inventory import AzureRunCommand

parts = sys.argv[1].split("/")
machine = AzureRunCommand(parts[2], parts[4], parts[-1])
identity = azure.Identity()
runner = RunCommand(identity, {"standby": machine})
program = "import random,string,sys; print(''.join(random.choices(string.ascii_letters, k=20000)), end='')"
done = runner.run("standby", ["sh", "-c", f'python3 -c "{program}"; printf said >&2; exit 3'], timeout_seconds=60)

store = open_store("azblob://drbackuplab/guests", identity)
took = lock.take(store, "one", "failover", 60)
try:
    lock.take(store, "two", "failback", 60)
    refused = ""
except Locked as problem:
    refused = "holds the lock" if "holds the lock" in str(problem) else str(problem)
lock.give_back(store, "one")

blobs = azure.Blobs(identity)
latch = azure.place("azblob://drpageslab/$web/latch/dr")
states = [blobs.exists(latch)]
states.append(blobs.put(latch, b"{}", new=True))
states.append(blobs.exists(latch))
blobs.put(latch, b"{}", new=True)
blobs.delete(latch)
states.append(blobs.exists(latch))
print(
    json.dumps(
        {
            "code": done.code,
            "stdout_letters": len(done.stdout),
            "stderr": done.stderr,
            "lock": [took, refused],
            "after": store.read(lock.NAME),
            "latch": states,
        }
    )
)
