"""moto's server as a process of its own, on a unix socket: only the front can reach it. Dies with the daemon.

python -m lab.services.moto_process SOCKET
"""

import ctypes
import logging
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(path: str, parent: int) -> None:
    """Serve until the parent is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        return
    # Host names never reach it: the front rewrites every bucket to path style.
    os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"
    from moto.iam.access_control import PermissionResult
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.models import FakeBucket
    from werkzeug.serving import run_simple

    # moto reads bucket policies without their conditions: "deny unless TLS" denies everything. The front is the one
    # door, speaks TLS only and checks the caller's own policies.
    FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL  # type: ignore[method-assign]
    # Machines poll: a line for each request would fill the log.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    run_simple(f"unix://{path}", 0, DomainDispatcherApplication(create_backend_app), threaded=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
