"""How edits are judged. Knows everything below the front door, the demo world included.

``metrics`` are pure functions of pictures and points, ``datasets`` give samples, ``methods`` edit them behind one interface,
``work`` does both for a sample, ``engines`` for many, ``run`` keeps the ``rows``, and ``tables`` and ``sheet`` show them.
"""
