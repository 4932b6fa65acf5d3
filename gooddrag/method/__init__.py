"""The paper. Knows ``network`` and ``picture``.

``lora`` is line 1 of Algorithm 1, ``inversion`` line 2 (Eq. 3), ``drag`` lines 3 to 15 (Eq. 2, 9), with ``source`` (the unedited
picture), ``motion`` (Eq. 7, 8), ``tracking`` (Eq. 6) and ``handles``; ``trace`` records what happened.
"""
