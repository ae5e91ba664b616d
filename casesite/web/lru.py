"""What is dear to make and never changes, kept in this process: by content, within bounds, the longest unused goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Lru(Generic[Value]):
    """Values by a key that names all they are made from. `size_of` tells about how many bytes one takes.

    It ends with its process, so what was made by older code or templates never comes back.
    """

    def __init__(self, *, most_bytes: int, size_of: Callable[[Value], int]) -> None:
        self.most_bytes = most_bytes
        self.bytes_held = 0
        self._size_of = size_of
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not kept. Two threads may both make it; either's will do."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = make()
        with self._lock:
            self._keep(key, value)
        return value

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.bytes_held = 0

    def _keep(self, key: Hashable, value: Value) -> None:
        size = self._size_of(value)
        if size > self.most_bytes or key in self._kept:
            return
        self._kept[key] = value, size
        self.bytes_held += size
        while self.bytes_held > self.most_bytes:
            _oldest, (_value, freed) = self._kept.popitem(last=False)
            self.bytes_held -= freed
