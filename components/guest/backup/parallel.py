"""Several threads that do one job: the first error ends it."""

import queue
import threading
from collections.abc import Callable

Stopped = Callable[[], bool]
Work = Callable[[Stopped], None]


def in_parallel(workers: list[Work]) -> None:
    """Run each in a thread; after the first error `stopped()` is true for the others, and it is raised at the end."""
    errors: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    stop = threading.Event()

    def guarded(work: Work) -> None:
        try:
            work(stop.is_set)
        except BaseException as error:
            errors.put(error)
            stop.set()

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not errors.empty():
        raise errors.get()
