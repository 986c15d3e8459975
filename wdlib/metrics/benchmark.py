"""How long the scores take, and that they are the same: ``python -m wdlib.metrics.benchmark``.

Each row measures the published formula, written with sklearn as straightforwardly as it reads, and
this package's score on the same arrays, one after the other in one process, one thread each
(``--jobs`` aside). The base of DCI takes about five minutes; ``--quick`` takes fewer samples.
"""

import argparse
import os
import time

import numpy as np


def islands(factors: np.ndarray, dims: int, noise: float, seed: int) -> np.ndarray:
    """Structured codes ``[n, dims]``: a partition per factor, a point in it per value, noise."""
    centres, rng = np.random.default_rng(0), np.random.default_rng(seed)
    width = dims // factors.shape[1]
    parts = [centres.normal(size=(column.max() + 1, width))[column] * 2 for column in factors.T]
    codes = np.concatenate(parts, axis=1)
    return codes + noise * rng.normal(size=codes.shape)


def base_information(codes, factors):
    """I(code; factor), pair by pair."""
    from sklearn.metrics import mutual_info_score

    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i, code in enumerate(codes.T):
        bins = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for j, factor in enumerate(factors.T):
            matrix[i, j] = mutual_info_score(factor, bins)
    return matrix


def base_mig(codes, factors, *_):
    from sklearn.metrics import mutual_info_score

    ranked = np.sort(base_information(codes, factors), axis=0)
    entropy = [mutual_info_score(factor, factor) for factor in factors.T]
    return {"mig": np.mean((ranked[-1] - ranked[-2]) / entropy)}


def base_sap(codes, factors, test_codes, test_factors):
    from sklearn.svm import LinearSVC

    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            machine = LinearSVC(C=0.01, class_weight="balanced")
            machine.fit(codes[:, [i]], factors[:, j])
            matrix[i, j] = np.mean(machine.predict(test_codes[:, [i]]) == test_factors[:, j])
    ranked = np.sort(matrix, axis=0)
    return {"sap": np.mean(ranked[-1] - ranked[-2])}


def base_dci(codes, factors, test_codes, test_factors):
    from scipy.stats import entropy
    from sklearn.ensemble import GradientBoostingClassifier

    matrix, accuracy = np.zeros((codes.shape[1], factors.shape[1])), []
    for j in range(factors.shape[1]):
        model = GradientBoostingClassifier(random_state=0).fit(codes, factors[:, j])
        matrix[:, j] = model.feature_importances_
        accuracy.append(np.mean(model.predict(test_codes) == test_factors[:, j]))
    rows, columns = matrix.sum(axis=1) / matrix.sum(), matrix.sum(axis=0) / matrix.sum()
    per_code = 1 - entropy(matrix.T + 1e-11, base=matrix.shape[1])
    per_factor = 1 - entropy(matrix + 1e-11, base=matrix.shape[0])
    return {
        "disentanglement": np.sum(rows * per_code),
        "completeness": np.sum(columns * per_factor),
        "informativeness": np.mean(accuracy),
    }


def timed(function, *arrays, best_of: int):
    """The outcome, and the shortest wall time in seconds."""
    times = []
    for _ in range(best_of):
        start = time.perf_counter()
        outcome = function(*arrays)
        times.append(time.perf_counter() - start)
    return outcome, min(times)


def rows(arrays, jobs: int):
    """One at a time: (score, how, seconds, base's seconds, largest difference from the base)."""
    from wdlib.metrics import dci, mig, sap

    comparisons = [
        ("MIG", base_mig, 3, [("joint histograms", lambda c, f, *_: mig(c, f))]),
        ("SAP", base_sap, 3, [("exact machines", sap)]),
        (
            "DCI",
            base_dci,
            1,
            [
                (
                    "hist_gradient_boosting",
                    lambda *a: dci(*a, importances="hist_gradient_boosting"),
                ),
                ("gradient_boosting", dci),
                (f"gradient_boosting, {jobs} jobs", lambda *a: dci(*a, jobs=jobs)),
            ],
        ),
    ]
    for name, base, repeats, ways in comparisons:
        expected, base_time = timed(base, *arrays, best_of=repeats)
        yield (
            name,
            "sklearn, pair by pair" if name != "DCI" else "sklearn",
            base_time,
            base_time,
            0.0,
        )
        for how, way in ways:
            score, seconds = timed(way, *arrays, best_of=repeats)
            difference = max(abs(score[key] - value) for key, value in expected.items())
            yield name, how, seconds, base_time, difference


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m wdlib.metrics.benchmark", description=__doc__)
    parser.add_argument("--train", type=int, default=10_000, help="training samples")
    parser.add_argument("--test", type=int, default=5_000, help="test samples")
    parser.add_argument("--dims", type=int, default=32, help="latent dimensions")
    parser.add_argument("--noise", type=float, default=0.5, help="deviation around the islands")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes of the last row"
    )
    parser.add_argument("--quick", action="store_true", help="2,000 and 1,000 samples")
    options = parser.parse_args(arguments)
    if options.quick:
        options.train, options.test = 2_000, 1_000
    sizes = (3, 9, 5, 8)
    rng = np.random.default_rng(0)
    factors, test_factors = (
        np.stack([rng.integers(0, size, n) for size in sizes], axis=1)
        for n in (options.train, options.test)
    )
    codes = islands(factors, options.dims, options.noise, seed=1)
    test_codes = islands(test_factors, options.dims, options.noise, seed=2)
    print(
        f"{options.train} training and {options.test} test samples, factors {sizes}, "
        f"{codes.shape[1]} dimensions, noise {options.noise}"
    )
    print(f"{'score':<6}{'how':<28}{'seconds':>10}{'times faster':>14}{'difference':>12}")
    for name, how, seconds, base, difference in rows(
        (codes, factors, test_codes, test_factors), options.jobs
    ):
        print(
            f"{name:<6}{how:<28}{seconds:>10.3f}{base / seconds:>14.1f}{difference:>12.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
