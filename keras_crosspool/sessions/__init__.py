"""Sessions: which photographs were taken together, so that a score is one of other photographs.

A split and what the user says of it come in; the same split with `groups`, the session of each
image, goes out, and in words where they come from. Start at `assigning.py`. For one more way to
find sessions write a module with a function of the split and add it to the list there. `open_parts`
opens what a model is trained on and validated with, and parts a folder without splits by session.
"""

from keras_crosspool.sessions.assigning import with_sessions, with_sessions_if_found
from keras_crosspool.sessions.parts import Parts, open_parts

__all__ = ["Parts", "open_parts", "with_sessions", "with_sessions_if_found"]
