"""Priors over a partitioned latent: a simple one for the warm-up, and the adaptive prior.

The adaptive prior is the paper's idea. Partition i has one normal component for each value of
factor i, estimated from the codes of the labelled images with this value.

Source: Valenti and Bacciu (2022), section 3, p_i(z_i) = sum_k pi_k N(z_i; mu_ik, Sigma_ik). Here
every pi_k is 1 / K_i, because all values are equally frequent in these tasks, unless
``NetworkConfig.weighted`` asks for the shares of the labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def simple_prior(kind: str, shape, *, generator: torch.Generator, device) -> Tensor:
    """Samples of the warm-up's prior: "uniform" on (-1, 1), as in the paper, or "normal", N(0, I).

    Raises ValueError for another kind.
    """
    if kind == "uniform":
        return 2 * torch.rand(shape, generator=generator, device=device) - 1
    if kind == "normal":
        return torch.randn(shape, generator=generator, device=device)
    raise ValueError(f"no simple prior called {kind!r}; there are uniform and normal")


def random_values(sizes: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """[count, n] values of factors of ``sizes`` [n]; all combinations are equally likely."""
    u = torch.rand((count, len(sizes)), generator=generator, device=sizes.device)
    return (u * sizes).long().minimum(sizes - 1)


COLLAPSED = 1e-4  # standard deviation of codes; under both simple priors it is about 1


class Collapsed(ValueError):
    """The codes of a partition are all alike, so its values cannot be distinguished."""


@dataclass(frozen=True)
class FitConfig:
    """How a component's covariance is estimated from a few encoded images."""

    scale: float = 0.1  # factor on the covariance, as in the authors' earlier code
    shrink: float = 0.0  # weight of the partition's pooled covariance; 0 as in the paper
    ridge: float = 1e-4  # added to the diagonal, in squared units of the latent
    only_if_singular: bool = True  # add the ridge only where there is no Cholesky factor


class AdaptivePrior(nn.Module):
    """One Gaussian mixture per partition of ``dim`` dimensions, with a component for each value of
    its factor; ``sizes`` are the numbers of values. ``used`` maps codes to codes with zeros in the
    dimensions that a partition does not use.

    State: ``mean`` [n, K, d] and ``scale_tril`` [n, K, d, d] (lower Cholesky factors), where K is
    the largest size. Components beyond a partition's own size do not exist and are never read. All
    components weigh alike; if ``weighted``, ``log_weight`` [n, K] holds the logarithms of the
    shares of the labels.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        dim: int,
        used: nn.Module | None = None,
        weighted: bool = False,
    ):
        super().__init__()
        self.sizes, self.dim, self.used = tuple(sizes), dim, used or nn.Identity()
        n, most = len(sizes), max(sizes)
        self.register_buffer("mean", torch.zeros(n, most, dim))
        self.register_buffer("scale_tril", torch.zeros(n, most, dim, dim))
        self.scale_tril.diagonal(dim1=-2, dim2=-1).fill_(1)
        exists = torch.tensor([[k < size for k in range(most)] for size in sizes])
        self.register_buffer("exists", exists, persistent=False)
        self.register_buffer("n_values", torch.tensor(sizes), persistent=False)
        if weighted:
            self.register_buffer("log_weight", torch.zeros(n, most))
        self.weighted = weighted

    @torch.no_grad()
    def fit(self, codes: Tensor, values: Tensor, config: FitConfig = FitConfig()) -> None:  # noqa: B008
        """Estimate every component from labelled codes [N, n, d] and their values [N, n], where -1
        is a missing label: a partition is fitted from the rows that label it.

        It computes on the CPU in float64, whatever the device, because some devices lack float64.
        Raises ValueError, and leaves the prior as it was, for shapes that do not fit, codes that
        are not finite, values that are not integers or outside their factor, a partition whose
        codes are all alike (Collapsed), a value without a labelled code, and a covariance that is
        singular even with the ridge.
        """
        n, _, d = self.mean.shape
        if codes.shape[1:] != (n, d) or values.shape != (len(codes), n):
            raise ValueError(
                f"codes {tuple(codes.shape)} and values {tuple(values.shape)} do not fit a prior "
                f"of {n} partitions of {d} dimensions"
            )
        if not torch.isfinite(codes).all():
            raise ValueError("the labelled codes hold NaN or infinity: the encoder has diverged")
        if values.is_floating_point():
            raise ValueError(f"the values of labelled codes must be integers, not {values.dtype}")
        codes, values = codes.cpu().double(), values.cpu()
        mean, tril = (t.cpu().double().clone() for t in (self.mean, self.scale_tril))
        weight = torch.zeros(mean.shape[:2])
        unused = 1 - self.used(torch.ones_like(self.mean[:, 0])).cpu().double()  # [n, d]
        for i, size in enumerate(self.sizes):
            least, most = values[:, i].aminmax()
            if least < -1 or most >= size:
                raise ValueError(f"partition {i} has values 0 to {size - 1}, got {least} to {most}")
            known = values[:, i] >= 0
            mine, value = codes[known, i], values[known, i]
            spread = float(mine.std(0, correction=0).max()) if len(mine) else 1.0
            if spread < COLLAPSED:
                raise Collapsed(
                    f"partition {i} has collapsed: its {len(mine)} labelled codes are all alike "
                    f"(standard deviation {spread:.1g}), so its values cannot be distinguished; "
                    f"warm up longer, with more label loss or less adversarial loss"
                )
            counts = torch.bincount(value, minlength=size)
            if (counts == 0).any():
                missing = int(counts.argmin())
                raise ValueError(
                    f"value {missing} of partition {i} has no labelled image, so its component "
                    f"cannot be estimated; label more images"
                )
            weight[i, :size] = (counts / counts.sum()).log()
            members = [mine[value == k] for k in range(size)]
            centred = torch.cat([m - m.mean(0) for m in members])
            pooled = centred.T @ centred / max(len(centred) - size, 1)
            for k, m in enumerate(members):
                mean[i, k] = m.mean(0)
                deviation = m - mean[i, k]
                own = deviation.T @ deviation / max(len(m) - 1, 1)
                covariance = config.scale * ((1 - config.shrink) * own + config.shrink * pooled)
                covariance += torch.diag(unused[i])
                tril[i, k] = _cholesky(covariance, config, partition=i, value=k, count=len(m))
        self.mean.copy_(mean.float())
        self.scale_tril.copy_(tril.float())
        if self.weighted:
            self.log_weight.copy_(weight)

    def log_density(self, z: Tensor) -> Tensor:
        """log N(z_i; mu_ik, Sigma_ik) of every component: z [B, n, d] -> [B, n, K].

        It is minus infinity where a component does not exist.
        """
        away = z.transpose(0, 1)[:, None] - self.mean[:, :, None]  # [n, K, B, d]
        white = torch.linalg.solve_triangular(self.scale_tril, away.transpose(2, 3), upper=False)
        half_log_det = self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # [n, K]
        log = -0.5 * white.square().sum(2) - half_log_det[:, :, None]
        log = log - 0.5 * self.dim * math.log(2 * math.pi)
        log = log + self.log_weight[:, :, None] if self.weighted else log
        return log.permute(2, 0, 1).masked_fill(~self.exists, -math.inf)

    def values(self, z: Tensor) -> Tensor:
        """The most likely component of each partition: z [B, n, d] -> [B, n] integers."""
        return self.log_density(z).argmax(-1)

    def sample(self, values: Tensor, *, generator: torch.Generator) -> Tensor:
        """One sample for each row of values [B, n] -> [B, n, d]."""
        partition = torch.arange(len(self.sizes), device=values.device)
        shape, device = (*values.shape, self.dim, 1), self.mean.device
        noise = torch.randn(shape, generator=generator, device=device)
        away = (self.scale_tril[partition, values] @ noise)[..., 0]
        return self.used(self.mean[partition, values] + away)

    def random_values(self, count: int, *, generator: torch.Generator) -> Tensor:
        """[count, n] values, independent and uniform; all combinations are equally likely."""
        return random_values(self.n_values, count, generator=generator)


def _cholesky(covariance: Tensor, config: FitConfig, *, partition, value, count) -> Tensor:
    ridge = config.ridge * torch.eye(len(covariance)).to(covariance)
    # With no more codes than dimensions the covariance is singular, whatever rounding makes of it.
    # Only the pooled covariance can give it full rank.
    without_rank = count <= len(covariance) and not config.shrink
    attempts = [covariance + ridge]
    if config.only_if_singular and not without_rank:
        attempts.insert(0, covariance)
    for attempt in attempts:
        factor, failed = torch.linalg.cholesky_ex(attempt)
        if not failed and factor.diagonal().min() > 1e-6:
            return factor
    raise ValueError(
        f"the covariance of value {value} of partition {partition} is singular: {count} labelled "
        f"image(s) for {len(covariance)} dimensions; label more images or raise the ridge "
        f"({config.ridge:g})"
    )
