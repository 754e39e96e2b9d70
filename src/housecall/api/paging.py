"""Pages by number, as the lists of custom agents and skills take and answer them."""

from dataclasses import dataclass
from typing import Annotated, Final, Protocol

from housecall.api.wire import WireResponse, whole_number

MAX_PAGE: Final = 1_000_000
MAX_PAGE_SIZE: Final = 100
PageNumber = Annotated[int | None, whole_number(1, MAX_PAGE)]
PageSize = Annotated[int | None, whole_number(1, MAX_PAGE_SIZE)]


class Paged(Protocol):
    """A request for a page."""

    @property
    def page_number(self) -> int | None: ...

    @property
    def page_size(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Which page, by what was asked for or the defaults. The names are those that use cases and answers have."""

    page_number: int
    page_size: int


def place_of(request: Paged, default_size: int) -> Place:
    return Place(request.page_number or 1, request.page_size or default_size)


class PagedResponse(WireResponse):
    """What every answer with a page says of it."""

    page_number: int
    page_size: int
    total_count: int
