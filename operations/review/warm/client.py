"""`bin/python` of a warmed environment: `client.py SOCKET PYTHON WORDS…`, as if it were `PYTHON WORDS…`.

A Pulumi program is run by a copy of the server's interpreter, with this process's files, folder and environment; this
process ends as it does, and it with this process. Anything else is run by PYTHON.
"""

import json
import os
import signal
import socket
import sys

EXECUTOR = "pulumi-language-python-exec"


def main(address: str, python: str, words: list[str]) -> int:
    # A variable of Python's own is read when an interpreter starts.
    plain = not any(name.startswith("PYTHON") for name in os.environ)
    if plain and words[:1] == ["-u"] and [os.path.basename(word) for word in words[1:2]] == [EXECUTOR]:
        code = _asked(address, words[1:])
        if code is not None:
            return code
    os.execv(python, [python, *words])


def _asked(address: str, words: list[str]) -> int | None:
    """The exit code; None when the server would not run it."""
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(address)
            request = {"words": words, "cwd": os.getcwd(), "env": dict(os.environ)}
            text = json.dumps(request).encode()
            socket.send_fds(server, [len(text).to_bytes(4, "big")], [0, 1, 2])
            server.sendall(text)
            begun = server.recv(1)
        except OSError:
            return None
        if not begun:
            return None
        said = server.recv(16)
    if not said:  # the server has died, and the program with it
        print("the interpreter that ran this program has ended; `twinsite review` again", file=sys.stderr)
        return 1
    code = int(said)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
