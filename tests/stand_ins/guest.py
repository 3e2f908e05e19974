#!/usr/bin/env python3
"""Stands for `twinsite-guest` at a site: databases are lists of rows in state.json beside this file.

Copied as `guest-away` it is the standby machine's, as `guest-home` the primary's.
"""

import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).parent
state = json.loads((HERE / "state.json").read_text())
words = sys.argv[1:]
site = state["away" if pathlib.Path(__file__).name == "guest-away" else "home"]
backups = state["backups"]


def say(found: object, code: int = 0) -> None:
    # Whole: others read it at any moment.
    draft = HERE / "state.json.draft"
    draft.write_text(json.dumps(state))
    draft.replace(HERE / "state.json")
    print(json.dumps(found))
    sys.exit(code)


def option(name: str) -> str:
    return words[words.index(name) + 1] if name in words else ""


def standby(verb: str) -> None:
    if verb == "report":
        known = {"outcome": "ready", "step": "", "detail": "", "writable": True}
        late = {"clock": time.time() + state["clock_late"]} if "clock_late" in state else {}
        say({**known, **late, "backup_id": site["from"], "closed": site["closed"]})
    elif verb == "renew":
        site["rows"], site["from"] = backups[words[2]]["rows"], words[2]
    elif verb in ("close", "open"):
        site["closed"] = verb == "close"
    elif verb != "gate":
        sys.exit(f"no such verb: {verb}")
    say({})


def backup(verb: str) -> None:
    place = "scratch" if option("--into") else "rows"
    if verb == "run":
        state["number"] += 1
        name = f"20270115T{state['number']:06}Z-00000000"
        store = (option("--store") or "mysql-backup").rpartition("/")[2]
        backups[name] = {"rows": site["rows"], "store": store, "scheduled": False}
        say({"id": name, "rows": len(site["rows"])})
    if verb == "describe":
        print(json.dumps({"source": {"version": state.get("away_version", "8.4.6")}}))
        sys.exit(0)
    if verb == "ready":
        problems = state.get("unready", [])
        coming = json.loads(option("--coming") or '{"source": {"version": ""}}')["source"]["version"]
        if coming > "8.4.6":
            problems = [*problems, f"the backup is of MySQL {coming}, newer than the target's 8.4.6"]
        found = {"ready": not problems, "problems": problems, "tables": len(site["rows"]), "unfinished": ""}
        print(json.dumps(found))  # nothing is written: others write meanwhile
        sys.exit(1 if problems else 0)
    if verb == "diff":
        extra = [row for row in backups[words[3]]["rows"] if row not in backups[words[2]]["rows"]]
        tables = [{"name": "owners", "extra": len(extra), "gone": 0}]
        say({"extra": len(extra), "gone": 0, "tables": tables, "kept": "extra/x/"})
    if verb == "aside":
        state["aside"].setdefault(words[2], site["rows"])
        site["rows"] = []
        say({"tables": 7})
    if verb == "drop":
        say({"dropped": site.pop("scratch", None) is not None})
    if verb == "restore":
        site[place] = backups[words[2]]["rows"]
        say({"backup_id": words[2], "restored_rows": len(site[place])})
    if verb == "prove":
        same = site.get(place) == backups[words[2]]["rows"]
        problems = [] if same else ["table 'owners' differs"]
        found = {"restored_rows": len(backups[words[2]]["rows"]), "divergent_tables": [] if same else ["owners"]}
        say({**found, "problems": problems, "proved": same}, 0 if same else 1)
    if verb in ("list", "events"):
        say({"backups": [], "events": []})
    sys.exit(f"no such verb: {verb}")


{"standby": standby, "backup": backup}[words[0]](words[1])
