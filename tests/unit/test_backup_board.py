"""The board on which a restore's tasks wait: order, limits, tasks of tasks, the first error."""

import threading

import pytest

from twinsite.guest.backup.board import Board
from twinsite.guest.backup.parallel import in_parallel


def test_kinds_are_taken_in_their_order_and_tasks_of_a_kind_in_theirs() -> None:
    board: Board[None] = Board({"keys": 0, "load": 0})
    seen: list[str] = []
    for kind, name in (("load", "first chunk"), ("load", "second chunk"), ("keys", "keys")):
        board.add(kind, lambda _, name=name: seen.append(name))
    board.work(None, lambda: False)
    assert seen == ["keys", "first chunk", "second chunk"]


def test_what_a_task_adds_is_done_too_by_whoever_is_free() -> None:
    board: Board[None] = Board({"load": 0, "prove": 0})
    seen: list[str] = []

    def load(_: None) -> None:
        seen.append("load")
        board.add("prove", lambda _: seen.append("prove"))

    board.add("load", load)
    in_parallel([lambda stopped: board.work(None, stopped)] * 3)
    assert seen == ["load", "prove"]


def test_no_more_of_a_kind_run_at_once_than_its_limit_says() -> None:
    board: Board[None] = Board({"keys": 2, "prove": 0})
    running, most = 0, 0
    lock, others = threading.Lock(), threading.Event()

    def keys(_: None) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert others.wait(10)  # the other kind gets on while both wait
        with lock:
            running -= 1

    for _ in range(4):
        board.add("keys", keys)
    board.add("prove", lambda _: others.set())
    in_parallel([lambda stopped: board.work(None, stopped)] * 4)
    assert most == 2


def test_the_first_error_ends_the_work_of_all_and_is_told() -> None:
    board: Board[None] = Board({"load": 0})
    done: list[int] = []

    def fails(_: None) -> None:
        raise ValueError("disk full")

    board.add("load", fails)
    with pytest.raises(ValueError, match="disk full"):
        in_parallel([lambda stopped: board.work(None, stopped)] * 2)
    board.add("load", lambda _: done.append(1))
    board.work(None, lambda: True)
    assert done == []
