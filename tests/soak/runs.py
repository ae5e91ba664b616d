"""One run of a soak in this process."""

from __future__ import annotations

import gc
import traceback
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.machine import Soak
from tests.soak.world import World


@dataclass(frozen=True)
class Options:
    """What to draw. Without a seed it is the same each time."""

    examples: int
    length: int  # steps of an example, at most
    seed: int | None = None
    every_step: bool = False
    shrink: bool = True


def run(options: Options, *, total: int = 0) -> bool:
    """Draw examples, with one seed after the other until `total` steps are done; whether all is well.

    Prints the story of the shortest example that went wrong.
    """
    Soak.world = World()
    Soak.every_step = options.every_step
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)  # who was killed is kept, and need not be looked through again and again
    examples, passed = 0, _draw(options)
    examples += options.examples
    while passed and Soak.steps < total:
        options = replace(options, seed=(options.seed or 0) + 1)
        passed = _draw(options)
        examples += options.examples
    print(f"{Soak.steps} steps in {examples} examples of at most {options.length}, last seed {options.seed}")
    print("requests that would write to AWS, by what became of them:")
    for words, number in sorted(Soak.fates.items()):
        print(f"  {number:5} {words}")
    print("how examples ended:", ", ".join(f"{number} {state}" for state, number in sorted(Soak.ends.items())))
    return passed


def _draw(options: Options) -> bool:
    told = settings(
        max_examples=options.examples,
        stateful_step_count=options.length,
        deadline=None,
        database=None,
        derandomize=options.seed is None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if options.shrink else (Phase.generate,),
        print_blob=False,
    )
    machine = Soak if options.seed is None else seeded(options.seed)(Soak)
    try:
        run_state_machine_as_test(machine, settings=told)
    except BaseException:
        traceback.print_exc()
        return False
    return True
