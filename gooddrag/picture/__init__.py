"""What a person draws: the editor's value, points and sizes, the mask.

Knows numpy and torch, and nothing of networks. A picture's coordinates are explained in ``geometry`` and nowhere else.
"""
