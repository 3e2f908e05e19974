"""Users of the CRM who write all the while: python3 customers.py URL TAG SESSIONS, until standard input ends.

One line of JSON for each answer: {"key", "at" (seconds, this machine's clock), "site"} where a write was acknowledged,
{"at", "said"} where it was not; such a key is asked for again, as a person does.
Standard library only: the desk runs it.
"""

import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

SECONDS = 5.0
"""For one answer."""
PAUSE_SECONDS = 0.25


def write(url: str, key: str) -> dict[str, object]:
    """One try."""
    form = urllib.parse.urlencode({"key": key, "name": key, "email": f"{key}@example.com"}).encode()
    try:
        with urllib.request.urlopen(f"{url}/customers", form, SECONDS) as answer:
            site = json.load(answer)["site"]
            return {"key": key, "at": time.time(), "site": site}
    except urllib.error.HTTPError as error:
        said = f"{error.code} {error.read()[:80].decode(errors='replace').strip()}"
    except (OSError, ValueError, KeyError) as error:
        said = str(error)
    return {"at": time.time(), "said": said}


def session(url: str, tag: str, ended: threading.Event, lock: threading.Lock) -> None:
    """One user, one write after the other."""
    number = 0
    while not ended.is_set():
        found = write(url, f"{tag}-{number}")
        number += "key" in found
        with lock:
            print(json.dumps(found), flush=True)
        ended.wait(PAUSE_SECONDS)


def main(url: str, tag: str, sessions: str) -> None:
    ended, lock = threading.Event(), threading.Lock()
    users = [threading.Thread(target=session, args=(url, f"{tag}-{one}", ended, lock)) for one in range(int(sessions))]
    for user in users:
        user.start()
    sys.stdin.read()
    ended.set()
    for user in users:
        user.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
