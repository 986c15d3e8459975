"""How long the scores take, next to their formulas in plain scikit-learn.

Run it with ``OMP_NUM_THREADS=1 python tests/metrics_speed.py``. The formulas loop over pairs of
code and factor, as in disentanglement_lib. Times are CPU seconds of one process. DCI takes minutes;
``--quick`` takes fewer samples.
"""

import argparse
import time

import numpy as np
from test_metrics_reference import plain_dci, plain_mig, plain_sap

from wdlib.metrics import dci, mig, sap

SIZES = (3, 9, 5, 8)


def islands(factors: np.ndarray, dims: int, noise: float, seed: int) -> np.ndarray:
    """Codes ``[n, dims]``: a partition per factor, a point in it per value, and noise."""
    centres, rng = np.random.default_rng(0), np.random.default_rng(seed)
    width = dims // factors.shape[1]
    parts = [centres.normal(size=(column.max() + 1, width))[column] * 2 for column in factors.T]
    codes = np.concatenate(parts, axis=1)
    return codes + noise * rng.normal(size=codes.shape)


def timed(function, arrays, repeats: int):
    """The outcome, and the shortest CPU time in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        outcome = function(*arrays)
        times.append(time.process_time() - start)
    return outcome, min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 and 1,000 samples")
    train, test = (2_000, 1_000) if parser.parse_args().quick else (10_000, 5_000)
    rng = np.random.default_rng(0)
    factors, test_factors = (
        np.stack([rng.integers(0, size, n) for size in SIZES], axis=1) for n in (train, test)
    )
    codes, test_codes = islands(factors, 32, 0.5, 1), islands(test_factors, 32, 0.5, 2)
    one, both = (codes, factors), (codes, factors, test_codes, test_factors)
    ways = [
        ("mig", "mig", one, plain_mig, mig, 5),
        ("sap", "sap", both, plain_sap, sap, 3),
        ("dci", "disentanglement", both, plain_dci, dci, 1),
        ("dci, hist_gradient_boosting", "disentanglement", both, None, fast_dci, 1),
    ]
    print(f"{train} training and {test} test samples, factors {SIZES}, {codes.shape[1]} codes")
    print(f"{'score':<28}{'formula, s':>12}{'wdlib, s':>10}{'difference':>12}")
    for name, key, arrays, formula, score, repeats in ways:
        if formula:
            expected, base = timed(formula, arrays, repeats)
        found, seconds = timed(score, arrays, repeats)
        difference = abs(found[key] - expected)
        print(f"{name:<28}{base:>12.3f}{seconds:>10.3f}{difference:>12.1e}", flush=True)


def fast_dci(*arrays):
    return dci(*arrays, importances="hist_gradient_boosting")


if __name__ == "__main__":
    main()
