"""The emitter of Need to Know, as other systems install it."""

from .schemas.emit import *  # noqa: F403
from .schemas.emit import __all__ as __all__
