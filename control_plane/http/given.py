"""What handlers are given that Litestar is not to look into: it would copy a struct to check it."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from shared.runtime.config import Config

GivenConfig: TypeAlias = SkipValidation[NamedDependency[Config]]
