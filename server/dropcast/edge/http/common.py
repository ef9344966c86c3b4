"""What many operations have in common: who may, how they may fail, pages."""

from typing import Annotated

from msgspec import Meta

from dropcast.domain.viewer import Role
from dropcast.edge.http.exchange import PAGE_ITEMS, PAGE_ITEMS_MAX
from dropcast.edge.http.operations import Query
from dropcast.wire.fields import Count

OWNERS = (Role.CREATOR, Role.OPERATOR)
HOSTS = (Role.CREATOR, Role.MODERATOR, Role.OPERATOR)

READ = ("bad_request", "engine", "engine_away", "engine_full", "engine_unfit")
READ_ONE = ("not_found", *READ)
WRITE = ("unauthorized", "token_expired", "forbidden", "conflict", "rate_limited", *READ)
WRITE_ONE = ("not_found", *WRITE)

READ_LIST = ("rate_limited", *READ)
READ_OF_SHOW = ("rate_limited", *READ_ONE)

MIN_SEQ = Query(
    name="min_seq",
    type=Count,
    about="The number of an event that the answer should have, such as the `seq` that a command was answered with: the "
    "request waits for it, two seconds at most unless the server is set otherwise, and is then answered with what "
    "is there: compare with the answer's `seq`.",
    default=0,
)
PAGE = (
    Query(
        name="after",
        type=str,
        about="The `next` of the page before: items follow it in their order. Without it, the first page.",
    ),
    Query(
        name="limit",
        type=Annotated[int, Meta(ge=1, le=PAGE_ITEMS_MAX)],
        about="Items at most.",
        default=PAGE_ITEMS,
    ),
)
FROM_PATH_AND_HEADERS = ("type", "id", "show", "drop", "key")
"""Fields of commands that a body has not."""
