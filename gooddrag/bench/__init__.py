"""How edits are judged. Knows everything below the front door, the demo world included.

``metrics`` are pure functions of pictures and points, ``datasets`` give samples, ``methods`` edit them behind one interface,
``run`` does both and keeps rows, ``tables`` and ``sheet`` show them. ``gscore`` asks a model that sees, ``study`` asks people,
and ``ranks`` says how far two rankings agree.
"""
