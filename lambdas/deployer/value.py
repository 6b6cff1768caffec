"""Makes value classes: dataclasses that nobody changes, defined in a third of the time of frozen ones.

A frozen dataclass compiles six methods as it is defined, which takes half a millisecond. The deployer has
more than a hundred, and defines them at every cold start (docs/benchmarks.md). Here only `__init__` is
compiled. mypy sees to it that nobody assigns to a field.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, overload

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@overload
def value(cls: type[T], /) -> type[T]: ...
@overload
def value(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T] | None = None, /, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class's annotations the fields of a dataclass with slots, equality, a hash and a representation.

    Args:
        cls: The class, where the decorator has no arguments.
        kw_only: Whether its fields are given by name only.
    """

    def made(plain: type[T]) -> type[T]:
        return _value_class(plain, kw_only=kw_only)

    return made if cls is None else made(cls)


def _value_class(plain: type[T], *, kw_only: bool) -> type[T]:
    cls: Any = dataclass(eq=False, repr=False, slots=True, kw_only=kw_only)(plain)
    names = [each.name for each in fields(cls) if each.compare]
    values: Callable[[Any], Any] = attrgetter(*names) if names else _no_values

    def eq(self: object, other: object) -> Any:  # noqa: ANN401 - a bool, or NotImplemented
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    cls.__eq__, cls.__hash__, cls.__repr__ = eq, hashed, _repr
    made: type[T] = cls
    return made


def _no_values(_: object) -> tuple[()]:
    return ()


def _repr(self: Any) -> str:  # noqa: ANN401 - an object of any value class
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"
