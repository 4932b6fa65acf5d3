"""``python -m gooddrag``; see ``command``."""

import sys

from . import cancelled
from .command import main

if __name__ == "__main__":
    cancelled.heard()
    sys.exit(main())
