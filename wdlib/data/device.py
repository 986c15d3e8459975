"""The device that a name means, the same in Python and on the command line."""

from __future__ import annotations


def device_of(name):
    """The torch device called ``name``; "auto" is the GPU if there is one, else the CPU.

    Raises ValueError for a device that this machine does not have.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).item()  # "meta" holds no numbers
        return torch.device(name)
    except (RuntimeError, AssertionError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {str(name)!r} cannot be used: {first}") from None
