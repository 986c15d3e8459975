"""Tables as CSV files: every figure a line, or (wide) every cell a line and every figure a column.

Either kind is written whole or not at all, and read back as the same rows; a file that is none of
ours, or too large, is refused by name and line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from wdlib.experiments.cells import replace_text
from wdlib.experiments.tables import COLUMNS, FIGURE, SCORES, SOURCE, Table

LARGEST = 1 << 22  # bytes of a CSV that is read; the longest of ours has a quarter
MOST = 100_000  # figures in it, each of which takes a KB
WIDEST = 1000  # columns
KINDS = {"seed": int, "labels": int, "unseen": float, "threads": int, "seconds": float}
ABOUT = tuple(name for name in COLUMNS if name not in ("convention", "score", "value"))


def write_csv(rows: Iterable[Mapping], path: Path | str) -> None:
    """Write every row, whole or not at all; values with six digits, which read back the same."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(dict(row) | {"value": f"{row['value']:.6g}"})
    replace_text(Path(path), text.getvalue())


def read_csv(path: Path | str) -> Table:
    """Read back what ``write_csv`` wrote.

    Raises FileNotFoundError where there is no such file, ValueError naming line and cause for
    another one, or one larger than LARGEST or MOST.
    """
    kinds = KINDS | {"value": float}

    def wrong(names: Sequence[str]) -> str:
        return "" if tuple(names) == COLUMNS else f"its columns are not {', '.join(COLUMNS)}"

    def figures(line: dict) -> Iterator[dict]:
        yield line | {name: kind(line[name]) for name, kind in kinds.items()}

    return _read(path, wrong, figures)


def write_wide_csv(rows: Iterable[Mapping], path: Path | str) -> None:
    """Write one line a cell, a column a figure; scores of grouped and raw codes are prefixed."""
    cells: dict[tuple, dict] = {}
    for row in rows:
        own = {k: row[k] for k in ABOUT}
        cell = cells.setdefault(tuple(own.values()), own)
        known = row["convention"] in ("-", "converted")
        name = row["score"] if known else f"{row['convention']}_{row['score']}"
        cell[name] = f"{row['value']:.9g}"
    figures = sorted({name for cell in cells.values() for name in cell} - set(COLUMNS))
    ours = [k for k in FIGURE if k in ABOUT]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*ours, *figures, *SOURCE], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells.values())
    replace_text(Path(path), text.getvalue())


def read_wide_csv(path: Path | str) -> Table:
    """Read back what ``write_wide_csv`` wrote, as rows of one figure each.

    Raises FileNotFoundError where there is no such file, ValueError naming line and cause for
    another one, or one larger than LARGEST, MOST or WIDEST.
    """

    def wrong(names: Sequence[str]) -> str:
        if lacking := set(ABOUT) - set(names):
            return f"it lacks the columns {', '.join(sorted(lacking))}"
        return f"it has {len(names)} columns; {WIDEST} are read" if len(names) > WIDEST else ""

    def figures(line: dict) -> Iterator[dict]:
        own = {k: KINDS.get(k, str)(line.pop(k)) for k in ABOUT}
        for name, value in line.items():
            if value:
                convention, score = _convention(name)
                yield own | {"convention": convention, "score": score, "value": float(value)}

    return _read(path, wrong, figures)


def read_table(path: Path | str) -> Table:
    """Read a CSV of either kind, long or wide: what its first line says it is.

    Raises as ``read_csv`` and ``read_wide_csv``.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        names = file.readline(LARGEST).rstrip("\n").split(",")
    return (read_csv if "convention" in names else read_wide_csv)(path)


def _read(
    path: Path | str,
    wrong: Callable[[Sequence[str]], str],
    figures: Callable[[dict], Iterable[dict]],
) -> Table:
    """The figures of every line, unless something is wrong with the first, the columns."""
    if (size := Path(path).stat().st_size) > LARGEST:
        raise ValueError(f"{path} is no table of wdlib: it has {size} bytes")
    rows = []
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            if cause := wrong(reader.fieldnames or ()):
                raise ValueError(cause)
            for line in reader:
                if None in line or None in line.values():
                    raise ValueError(f"it has more or fewer than {len(reader.fieldnames)} fields")
                rows += figures(line)
                if len(rows) > MOST:
                    raise ValueError(f"it holds more than {MOST} figures")
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    return Table(tuple(rows))


def _convention(name: str) -> tuple[str, str]:
    """The convention and the score of a wide table's column."""
    for convention in ("grouped", "raw", "factors"):
        if name.startswith(f"{convention}_"):
            return convention, name.removeprefix(f"{convention}_")
    score = name.removeprefix("oracle_").removeprefix("chance_")
    return ("converted" if score in SCORES else "-"), name
