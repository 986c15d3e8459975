"""Reads damaged files in a fork that may die of them, with limits on its memory and its time.

A C library that crashes ends its process. So the fork reports which file it begins and how that
ended. If the fork dies, the file that it was reading is at fault, and a new fork goes on with the
next file.
"""

import ctypes
import dataclasses
import faulthandler
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from damage import bruised

SECONDS = 5  # a file
MOST = 1 << 29  # bytes beyond which an allocation fails in the fork
REFUSALS = (ValueError, FileNotFoundError, OSError)


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of file.

    Args:
        make: writes the honest file (and what lies beside it) into a folder; returns its path.
        read: path -> what was read; None is a refusal too. Raises whatever it raises.
        right: whether what was read is right, or as right as anyone can tell.
        damage: bytes -> bytes.
        put: path, damaged bytes -> writes them; default, as they are.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    right: Callable[[object], bool]
    damage: Callable[[bytes, random.Random], bytes] = bruised
    put: Callable[[Path, bytes], None] = Path.write_bytes


def attempt(kind: Kind, path: Path) -> str:
    """ "loaded", "refused", or what is wrong."""
    try:
        found = kind.read(path)
    except REFUSALS as error:
        named = str(path.parent) in str(error) or path.name in str(error)
        return "refused" if named else f"does not name the file: {error!r}"[:300]
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    if found is None:
        return "refused"
    try:
        return "loaded" if kind.right(found) else f"read wrongly: {str(found)[:100]}"
    except Exception as error:
        return f"what was read breaks what comes after: {error!r}"[:300]


def memory(field: str) -> int:
    """Bytes of this process: VmRSS, VmHWM (most since ``forget``) or VmSize. 0 where unknown."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) << 10 for x in lines if x.startswith(field)), 0)


def forget() -> None:
    """Let VmHWM begin anew, from what is in use: memory that was freed goes back first."""
    with suppress(OSError, AttributeError):  # another C library than GNU's
        ctypes.CDLL(None).malloc_trim(0)
    if os.path.exists("/proc/self/clear_refs"):
        Path("/proc/self/clear_refs").write_text("5")


def _fork(kind: Kind, path: Path, seeds: list[int], say: int) -> None:
    """In the child: damage and read, one line before and one after each file."""
    faulthandler.disable()  # the parent says what happened
    honest = path.read_bytes()
    beside = {p: p.read_bytes() for p in path.parent.glob("*") if p.is_file()}
    attempt(kind, path)  # whatever is imported late is in memory now
    if now := memory("VmSize"):
        resource.setrlimit(resource.RLIMIT_AS, (now + MOST, now + MOST))
    for seed in seeds:
        for other, content in beside.items():
            other.write_bytes(content)
        kind.put(path, kind.damage(honest, random.Random(seed)))
        os.write(say, f"{seed}\n".encode())
        start = time.perf_counter()
        outcome = attempt(kind, path)
        line = json.dumps([outcome, time.perf_counter() - start])
        os.write(say, f"{line}\n".encode())


@dataclasses.dataclass
class Tried:
    """What became of the files of one kind."""

    outcomes: Counter = dataclasses.field(default_factory=Counter)
    faults: dict[int, str] = dataclasses.field(default_factory=dict)  # seed -> what is wrong
    slowest: float = 0.0

    def ended(self, seed: int, outcome: str, seconds: float) -> None:
        if outcome in ("loaded", "refused"):
            self.outcomes[outcome] += 1
        else:
            self.faults[seed] = outcome
        self.slowest = max(self.slowest, seconds)


def try_all(kind: Kind, seeds: Iterable[int]) -> Tried:
    """Damage and read one file a seed. Needs a system with fork."""
    tried, waiting = Tried(), list(seeds)
    while waiting:
        with tempfile.TemporaryDirectory() as folder:
            path = kind.make(Path(folder))
            hear, say = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    os.close(hear)
                    sys.stdout = sys.stderr = open(os.devnull, "w")
                    _fork(kind, path, waiting, say)
                finally:
                    os._exit(0)
            os.close(say)
            why = _listen(hear, tried, waiting)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            os.close(hear)
            if waiting:  # it ended with a file in hand
                if why == "silent" and os.WIFSIGNALED(status) and os.WTERMSIG(status) != 9:
                    why = f"crashed with signal {os.WTERMSIG(status)}"
                tried.ended(waiting.pop(0), why, float(SECONDS))
    return tried


def _listen(hear: int, tried: Tried, waiting: list[int]) -> str:
    """Take in what the fork says, and each finished seed off ``waiting``; why it ended early."""
    heard = b""
    while waiting:
        if not select.select([hear], [], [], 6 * SECONDS if not heard else SECONDS)[0]:
            return f"took more than {SECONDS} s"
        part = os.read(hear, 1 << 16)
        if not part:
            return "silent"
        heard += part
        *lines, heard = heard.split(b"\n")
        for line in lines:
            if line.startswith(b"["):
                tried.ended(waiting.pop(0), *json.loads(line))
        heard = heard or b"\n"  # something was said: from now on a file's time counts
    return ""
