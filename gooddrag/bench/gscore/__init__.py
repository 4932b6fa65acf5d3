"""GScore: a multimodal model rates edits from 0 to 10.

Other than the authors' notebook, the judge is told the drag, pictures come in another order each time, replies are parsed, and the
figures have intervals. No key is ever written down.
"""

from .endpoints import APIS, Endpoint, Refused, Unreachable
from .scoring import FILE, Asked, report, score

__all__ = ["APIS", "FILE", "Asked", "Endpoint", "Refused", "Unreachable", "report", "score"]
