"""Notices a host that waits for its device, on a processor, too, where nothing has to wait."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class NoWaiting(TorchDispatchMode):
    """Refuses what would make the host wait for a device: reading a scalar, counting a mask."""

    WAITS = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal"}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        assert function.name() not in self.WAITS, function.name()
        if function.name().startswith("aten::index") and isinstance(args[1], list | tuple):
            # a mask is counted before it is applied
            masks = [i for i in args[1] if i is not None and i.dtype == torch.bool]
            assert not masks, "nonzero of a mask"
        return function(*args, **(kwargs or {}))
