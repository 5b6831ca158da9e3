"""Processes that are started once and run many cases, each in a group of as many as it wants."""

import importlib.util
import os
import pickle
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Client, Listener
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

KEY = b"a test"
LAST = "LAST_CASE"  # in the environment: the process has to end, as one that fails does
PATIENCE = 300  # seconds for a case: one of which a process is lost would wait for ever


def module_at(path: str) -> ModuleType:
    """A file of tests, which are no package, as a module."""
    name = Path(path).stem
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


def in_group(rank: int, size: int, port: int, path: str, case: str, args: tuple[Any, ...]) -> Any:
    """The result of a case, in a group of so many processes."""
    function = getattr(module_at(path), case)
    if size == 1:
        return function(*args)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.distributed.init_process_group("gloo", rank=rank, world_size=size)
    try:
        return function(*args)
    finally:
        torch.distributed.destroy_process_group()


def serve(port: int) -> None:
    """A process of the pool: what it is told to do, until it is told to end."""
    torch.set_num_threads(1)
    with Client(("127.0.0.1", port), authkey=KEY) as orders:
        while LAST not in os.environ and (order := pickle.loads(orders.recv_bytes())) is not None:
            try:
                said = True, in_group(*order)
            except Exception as error:
                said = False, f"{type(error).__name__}: {error}"
            orders.send_bytes(pickle.dumps(said))  # `send` would share the memory of tensors


class Pool:
    """Processes that wait for cases.

    Args:
        size: how many.
        path: of the file whose functions are the cases.
    """

    def __init__(self, size: int, path: str) -> None:
        self.path = path
        with Listener(("127.0.0.1", 0), authkey=KEY) as door:
            words = [sys.executable, __file__, str(door.address[1])]
            self.members = [subprocess.Popen(words) for _ in range(size)]
            self.orders = [door.accept() for _ in range(size)]

    def outcomes(self, size: int, case: str, *args: Any) -> list[tuple[bool, Any]]:
        """What a case gives or raises in each of the first ``size`` processes."""
        port = free_port()
        for rank, order in enumerate(self.orders[:size]):
            order.send_bytes(pickle.dumps((rank, size, port, self.path, case, args)))
        return self.answers(size)

    def answers(self, size: int) -> list[tuple[bool, Any]]:
        """What each of the first ``size`` processes says; where one says nothing, all are ended."""
        found: list[tuple[bool, Any]] = []
        for order in self.orders[:size]:
            if not order.poll(PATIENCE):
                for member in self.members:
                    member.kill()
                raise TimeoutError(f"process {len(found)} says nothing; those before it: {found}")
            found.append(pickle.loads(order.recv_bytes()))
        return found

    def run(self, size: int, case: str, *args: Any) -> list[Any]:
        """What a case gives in each of them."""
        found = self.outcomes(size, case, *args)
        assert all(ok for ok, _ in found), [text for ok, text in found if not ok]
        return [result for _, result in found]

    def close(self) -> None:
        for order, member in zip(self.orders, self.members, strict=True):
            with suppress(OSError):  # of one that is gone
                order.send_bytes(pickle.dumps(None))
            order.close()
            member.terminate()
            member.wait(10)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
