"""What a budget in seconds is counted in: seconds of computing.

On a CPU that is the processor's time for this process, shared out among torch's threads. What other
programs take, and what a paused machine loses, is nobody's training; so a budget buys the same on a
busy machine as on a quiet one, only later. (Threads that wait for each other take no processor
time: with more than one, the clock on the wall shows more than the budget.) On any other device it
is the time that passes.
"""

from __future__ import annotations

import time

import torch


def computed(device: str | torch.device) -> float:
    """Seconds that this process has computed for on ``device``, from some moment on."""
    if torch.device(device).type == "cpu":
        return time.process_time() / torch.get_num_threads()
    return time.perf_counter()
