"""``python -m kpikit.sample``: write the sample products' files."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from kpikit.errors import KpikitError
from kpikit.sample import AS_OF, PRODUCTS, SEED, make_sample_data


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and say which; return 0, or 2 after a mistake in the call."""
    options = _parser().parse_args(arguments)
    try:
        for product in options.product or PRODUCTS:
            written = make_sample_data(
                options.folder, product=product, users=options.users,
                seed=options.seed, as_of=options.as_of,
            )  # fmt: skip
            state = "written" if written else "up to date"
            sys.stdout.write(f"{options.folder / product}: {state}\n")
    except (KpikitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kpikit.sample",
        description="Write the files of the sample products; what is up to date is left alone.",
    )
    parser.add_argument("--folder", type=Path, default=Path("data"), help="where to write (data)")
    parser.add_argument(
        "--product", action="append", choices=sorted(PRODUCTS), help="one of them (all)"
    )
    parser.add_argument("--users", type=_positive, help="number of users (each product's own)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the random numbers ({SEED})")
    parser.add_argument(
        "--as-of", type=dt.date.fromisoformat, default=AS_OF, help=f"last day of data ({AS_OF})"
    )
    return parser


def _positive(text: str) -> int:
    users = int(text)
    if users < 1:
        raise argparse.ArgumentTypeError(f"{users} users are too few; give 1 or more")
    return users


if __name__ == "__main__":
    sys.exit(main())
