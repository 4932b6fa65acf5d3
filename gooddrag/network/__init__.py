"""The U-Net as the method sees it. Knows ``picture``, and nothing of drags.

What every U-Net needs: ``model`` (the adapter), ``family`` (one row each), ``conditioning``, ``features``, ``attention``,
``schedule``, ``codec``.
What makes it cheap: ``window``, ``surroundings``, ``group_norm``, ``convolution``, ``memory``, and ``gradient`` for half precision;
without them all works, slower.
"""
