"""``python -m gooddrag``; see ``command``."""

import sys


def run() -> int:
    try:
        from .command import main

        return main()
    except KeyboardInterrupt:  # before anything began
        print("cancelled, nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run())
