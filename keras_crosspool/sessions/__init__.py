"""Sessions: which photographs were taken together, so that a score is one of other photographs.

A split and what the user says of it come in; the same split with `groups`, the session of each
image, goes out, and in words where they come from. Start at `assigning.py`. For one more way to
find sessions write a module with a function of the split and add it to the list there.
"""

from keras_crosspool.sessions.assigning import with_sessions

__all__ = ["with_sessions"]
