"""Shared by the training tests: the defaults of the flags."""

import functools
import runpy

import pytest
from absl import flags


@pytest.fixture(scope="session")
def flag_defaults():
    """The defaults of the training flags, which are defined for the tests of nothing else."""
    defined = flags.FlagValues()
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("string", "bool", "list", "integer", "float", "enum"):
            define = functools.partial(getattr(flags, f"DEFINE_{kind}"), flag_values=defined)
            patch.setattr(flags, f"DEFINE_{kind}", define)
        runpy.run_module("keras_crosspool.training.flags")
    return {name: defined[name].default for name in defined}
