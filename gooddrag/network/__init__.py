"""The U-Net as the method sees it. Knows ``picture``, and nothing of drags.

What every U-Net needs: ``model`` (the adapter), ``family`` (one row each), ``conditioning`` with ``control`` (ControlNets) and
``guidance``, ``features``, ``attention``, ``schedule``, ``codec``; ``precision`` knows what a processor only imitates.
What makes it cheap: ``window``, ``surroundings``, ``group_norm``, ``convolution``, ``memory``, and ``gradient`` for half precision;
without them all works, slower.
"""
