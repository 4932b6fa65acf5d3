"""The paper. Knows ``network`` and ``picture``.

``lora`` is line 1 of Algorithm 1, ``inversion`` line 2 (Eq. 3), ``drag`` lines 3 to 15, with ``source`` (the unedited picture),
``motion`` (Eq. 7, 8) under ``supervision`` (Eq. 9), ``tracking`` (Eq. 6) under ``handles``, and ``trace`` for what happened.
Around it: ``plan`` (which timesteps are dragged), ``region`` (mask and window), ``evaluation`` (the U-Net on several edits),
``state`` (where a drag begins and stops), ``warp`` (another beginning, which is not the paper's), ``report`` (progress), ``batch``
(as many drags at once as memory holds) and ``kept`` (a tuned LoRA in a file).
"""
