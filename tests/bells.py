"""Bells that are only written down: they reach no broker, and no thread rings them later."""

from collections.abc import Callable
from typing import Any, NamedTuple

from casesite.pacing import bell


class Bell(NamedTuple):
    """One message to a worker, as it was handed to the broker."""

    task: str
    account: int
    queue: str


def write_down(replace: Callable[[Any, str, Any], None]) -> list[Bell]:
    """The bells rung from now on, as a list that grows. `replace` sets an attribute, such as `monkeypatch.setattr`."""
    rung: list[Bell] = []

    class Broker:
        @staticmethod
        def send_task(name: str, *, args: list[int], queue: str, **_options: Any) -> None:
            rung.append(Bell(name, args[0], queue))

    class AtOnce:
        @staticmethod
        def put(asked: tuple[str, int, str]) -> None:
            task, account, queue = asked
            bell.ring_now(task, account, queue_name=queue)

    replace(bell, "current_app", Broker)
    replace(bell, "_bells", AtOnce)
    replace(bell, "_ensure_ringer", lambda: None)
    return rung
