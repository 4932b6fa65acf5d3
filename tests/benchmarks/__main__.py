"""Performance, measured side by side: ``python -m tests.benchmarks NAME`` prints a table and writes docs/performance.md."""

import argparse

from . import (
    batch,
    blocks,
    demo,
    edit,
    first,
    gpu,
    gradient,
    growth,
    hint,
    masks,
    options,
    quality,
    region,
    report,
    source,
    tuning,
)

BENCHMARKS = {
    "gradient": gradient,
    "edit": edit,
    "first": first,
    "quality": quality,
    "region": region,
    "blocks": blocks,
    "hint": hint,
    "growth": growth,
    "source": source,
    "batch": batch,
    "options": options,
    "demo": demo,
    "gpu": gpu,
    "masks": masks,
    "tuning": tuning,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True)
    for name, module in BENCHMARKS.items():
        child = names.add_parser(name, help=module.__doc__.splitlines()[0])
        child.add_argument("--rounds", type=int, default=3, help="each round runs every variant once, alternating")
        child.add_argument("--no-write", action="store_true", help="print only; leave docs/ as it is")
        module.arguments(child)
    args = parser.parse_args()
    result = BENCHMARKS[args.name].run(args)
    print(result.markdown)
    if not args.no_write:
        report.write(result.section or args.name, result)


if __name__ == "__main__":
    main()
