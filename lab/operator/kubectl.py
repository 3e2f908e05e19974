"""`kubectl` at the desk: hands its words to the daemon, which has the clusters. python -m lab.operator.kubectl …"""

import sys

from lab.client import Client, LabError


def main() -> int:
    client = Client.from_environment()
    if client is None:
        print("error: there is no box here: this lab records only, it has no cluster", file=sys.stderr)
        return 1
    words = sys.argv[1:]
    stdin = sys.stdin.read() if "-" in words or "--filename=-" in words else ""
    try:
        said = client.call("kubectl", words=words, stdin=stdin)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(said["out"])
    sys.stderr.write(said["err"])
    return int(said["code"])


if __name__ == "__main__":
    sys.exit(main())
