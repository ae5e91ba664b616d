"""How seldom a process that runs on looks for garbage in cycles.

Python looks after each 700 new objects, and now and then at all there are: of a site that is loaded and of an SDK's clients
that is hundreds of thousands, which never become garbage. Measured, a third of the CPU of making clients went into it.
"""

import gc

NEW_OBJECTS = 10_000  # after which it looks; some MiB at the most


def look_seldom() -> None:
    """Take what is loaded for what stays, and look less often from now on. Call it once, when a process begins its work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)
