"""The part of the table (see table.py) about shows and who may take part in them."""

from dropcast.domain.ports import Done
from dropcast.domain.show import Show
from dropcast.domain.viewer import Role
from dropcast.edge.http.answers import ShowNow, ShowPage, Snapshot
from dropcast.edge.http.bodies import NewShow
from dropcast.edge.http.common import (
    FROM_PATH_AND_HEADERS,
    HOSTS,
    MIN_SEQ,
    OWNERS,
    PAGE,
    READ_LIST,
    READ_OF_SHOW,
    WRITE,
    WRITE_ONE,
)
from dropcast.edge.http.operations import Answer, Body, Operation, Tag
from dropcast.wire.commands import Announce, Ban, Mute

LIST_SHOWS = Operation(
    id="list_shows",
    method="GET",
    path="/v1/shows",
    tag=Tag.SHOWS,
    summary="List shows",
    about="All shows, whatever their status, in the order of their ids, a page at a time.",
    query=PAGE,
    answers={200: Answer(type=ShowPage, about="One page of shows.")},
    errors=READ_LIST,
)
SCHEDULE_SHOW = Operation(
    id="schedule_show",
    method="POST",
    path="/v1/shows",
    tag=Tag.SHOWS,
    summary="Schedule a show",
    about=(
        "A creator schedules a show of their own, an operator one for any creator. The same request again (under the "
        "same id, or the same Idempotency-Key) is answered with the show as it stands; another one is a `conflict`."
    ),
    roles=OWNERS,
    keyed=True,
    body=Body(type=NewShow, about="The show."),
    answers={201: Answer(type=Show, about="The show as it stands.")},
    errors=("too_large", *WRITE),
)
READ_SHOW = Operation(
    id="read_show",
    method="GET",
    path="/v1/shows/{show}",
    tag=Tag.SHOWS,
    summary="Read a show",
    about="One show, without its drops: those are in the snapshot.",
    query=(MIN_SEQ,),
    answers={200: Answer(type=ShowNow, about="The show, and how far its logs are.")},
    errors=READ_OF_SHOW,
)
START_SHOW = Operation(
    id="start_show",
    method="POST",
    path="/v1/shows/{show}/start",
    tag=Tag.SHOWS,
    summary="Start a show",
    about=(
        "The creator goes on air: viewers get `show_started`, and drops may be pinned. Again on a live show: the same "
        "answer, and nothing happens."
    ),
    roles=OWNERS,
    answers={200: Answer(type=Done, about="The show is live.")},
    errors=WRITE_ONE,
)
END_SHOW = Operation(
    id="end_show",
    method="POST",
    path="/v1/shows/{show}/end",
    tag=Tag.SHOWS,
    summary="End a show",
    about=(
        "Its open drops close and viewers get `show_ended`. Open holds may still be paid until their deadline. Again "
        "on a show that has ended: the same answer."
    ),
    roles=OWNERS,
    answers={200: Answer(type=Done, about="The show has ended.")},
    errors=WRITE_ONE,
)
READ_SNAPSHOT = Operation(
    id="read_snapshot",
    method="GET",
    path="/v1/shows/{show}/snapshot",
    tag=Tag.SHOWS,
    summary="Read a show as it stands",
    about=(
        "The state that a viewer gets who watches from now on: the show, its drops, the units left, the viewers. Such "
        "an answer may be shared for a moment, a quarter of a second unless the server is set otherwise. Events that "
        "were written through the same worker are always in it."
    ),
    query=(MIN_SEQ,),
    answers={
        200: Answer(type=Snapshot, about="The state, and the event, offset and time that it is true of.")
    },
    errors=READ_OF_SHOW,
)
ANNOUNCE = Operation(
    id="announce",
    method="POST",
    path="/v1/shows/{show}/announcements",
    tag=Tag.SHOWS,
    summary="Say something to every viewer",
    about="Sends a numbered `announcement` with a text and, if wanted, free data for the app.",
    roles=HOSTS,
    keyed=True,
    body=Body(type=Announce, about="What is said.", given=FROM_PATH_AND_HEADERS),
    answers={201: Answer(type=Done, about="It is in the event log.")},
    errors=("too_large", *WRITE_ONE),
)
FREEZE = Operation(
    id="freeze",
    method="POST",
    path="/v1/shows/{show}/freeze",
    tag=Tag.SHOWS,
    summary="Stop a show's sales",
    about=(
        "Nothing can be reserved until they are thawed, and viewers get `sales_frozen`. Open holds may still be paid. "
        "Again: the same answer, and nothing happens."
    ),
    roles=(Role.OPERATOR,),
    answers={200: Answer(type=Done, about="Sales are frozen.")},
    errors=WRITE_ONE,
)
THAW = Operation(
    id="thaw",
    method="POST",
    path="/v1/shows/{show}/thaw",
    tag=Tag.SHOWS,
    summary="Let a show's sales go on",
    about="Viewers get `sales_thawed`. Again: the same answer, and nothing happens.",
    roles=(Role.OPERATOR,),
    answers={200: Answer(type=Done, about="Sales go on.")},
    errors=WRITE_ONE,
)
MUTE = Operation(
    id="mute",
    method="POST",
    path="/v1/shows/{show}/mutes",
    tag=Tag.SHOWS,
    summary="Mute a viewer",
    about="They may watch on, but reserve nothing in this show; with `mute` false they may again.",
    roles=HOSTS,
    body=Body(type=Mute, about="Whom.", given=FROM_PATH_AND_HEADERS),
    answers={200: Answer(type=Done, about="It is so.")},
    errors=("too_large", *WRITE_ONE),
)
BAN = Operation(
    id="ban",
    method="POST",
    path="/v1/shows/{show}/bans",
    tag=Tag.SHOWS,
    summary="Ban a viewer",
    about="They leave the show, and may neither watch it nor reserve in it; with `ban` false they may again.",
    roles=HOSTS,
    body=Body(type=Ban, about="Whom.", given=FROM_PATH_AND_HEADERS),
    answers={200: Answer(type=Done, about="It is so.")},
    errors=("too_large", *WRITE_ONE),
)
