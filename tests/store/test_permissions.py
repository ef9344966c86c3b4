"""A user of the engine who may do less than dropcast does is refused at once, and told what is missing."""

import ast
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from dropcast.domain.catalogue import EncodedProduct
from dropcast.domain.faults import Conflict, EngineFault, EngineUnfit
from dropcast.settings import Settings
from dropcast.store import library, permissions
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.functions import Functions
from dropcast.store.keys import Keys
from dropcast.store.products import Products
from dropcast.supervisor.engine import open_engine, prepare
from tests.support.acl import DOCUMENTED, USEFUL
from tests.support.engine import Stall, memory_bound
from tests.support.keys import keys

SERVER = Path(library.__file__).parents[1]


class User:
    """A user of the engine, whose permissions a test gives."""

    def __init__(self, engine: EmbeddedEngine, client: Redis) -> None:
        self.name = "user-" + secrets.token_hex(4)
        self.url = engine.url.replace("unix://", f"unix://{self.name}:{quote('p@ss')}@")
        self._client = client

    async def may(self, *rules: str) -> None:
        """Have the user start anew with these rules."""
        await ask(self._client, "ACL", "SETUSER", self.name, "reset", "on", ">p@ss", *rules)

    async def forget(self) -> None:
        await ask(self._client, "ACL", "DELUSER", self.name)

    async def prepare(self, **settings: object) -> list[str]:
        """Do what a server does before it starts its workers. Return its warnings."""
        said: list[str] = []
        await prepare(self.url, Settings(**settings), said.append)  # type: ignore[arg-type]
        return said

    async def refusal(self, **settings: object) -> str:
        with pytest.raises(EngineUnfit) as raised:
            await self.prepare(**settings)
        assert "\n" not in raised.value.message
        return raised.value.message


@pytest.fixture
async def user(engine: EmbeddedEngine, client: Redis) -> AsyncIterator[User]:
    user = User(engine, client)
    try:
        yield user
    finally:
        await user.forget()


# What is needed --------------------------------------------------------------------------------------------------


def lua_commands_called() -> set[str]:
    """Every command that stands in functions.lua as something that is called."""
    called = set(re.findall(r"\b(?:p?call|call_chunked)\('([A-Z]+)'", library.SOURCE))
    counts = re.search(r"^local COUNTS = \{(.*?)\}", library.SOURCE, re.MULTILINE | re.DOTALL)
    assert counts is not None
    return called | set(re.findall(r"'([A-Z]+)'", counts[1]))


def lua_commands_asked() -> set[str]:
    """Every command about which `dropcast_permissions` asks."""
    _, table = library.SOURCE.split("local function commands_called")
    return set(re.findall(r"^    \{'([A-Z]+)'", table.split("\nend\n")[0], re.MULTILINE))


def test_the_engine_function_asks_about_every_command_that_the_functions_call() -> None:
    variables = set(re.findall(r"\bp?call\(([a-z]\w*), ", library.SOURCE)) - {"read_for_trades", "cmsgpack"}
    assert variables == {"command"}, "a command with a name of its own: see what it may be"
    assert lua_commands_asked() == lua_commands_called()


def python_commands_sent() -> Iterator[str]:
    """Every command in the server's sources: texts given to what sends commands, and methods of a pipeline."""
    for path in SERVER.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            match call.func:
                case ast.Name("ask" | "_ask"):
                    yield from command_in(call.args[1:])
                case ast.Attribute(_, "execute_command"):
                    yield from command_in(call.args)
                case ast.Attribute(ast.Name("pipeline" | "transaction"), name) if name != "execute":
                    yield name.upper()
                case ast.Attribute(_, "pipeline"):
                    if any(
                        word.arg == "transaction" and ast.unparse(word.value) == "True"
                        for word in call.keywords
                    ):
                        yield from ("MULTI", "EXEC")


def command_in(args: list[ast.expr]) -> Iterator[str]:
    words = [arg.value for arg in args[:2] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if words and words[0] in ("FUNCTION", "ACL", "CLIENT", "CONFIG", "SCRIPT"):
        yield " ".join(words)
    elif words:
        yield words[0]


def test_every_command_that_python_sends_is_asked_about_tried_or_said_to_be_optional() -> None:
    asked = {str(command[0]) for command in permissions.commands_sent(keys)}
    by_the_client_itself = {"SUNSUBSCRIBE", "UNWATCH"}
    sent = set(python_commands_sent()) | by_the_client_itself
    assert sent == asked | {"SSUBSCRIBE"} | permissions.OPTIONAL.keys()


def test_the_documents_name_the_least_that_a_user_needs() -> None:
    of_python = {str(command[0]) for command in permissions.commands_sent(keys)} | {"SSUBSCRIBE"}
    needed = sorted("+" + command.lower() for command in of_python | lua_commands_asked())
    assert list(DOCUMENTED) == ["~dropcast:*", "&dropcast:*", *needed]


# What is missing -------------------------------------------------------------------------------------------------


async def test_what_the_documents_name_is_enough(user: User) -> None:
    await user.may(*DOCUMENTED)
    (warning,) = await user.prepare()
    assert "hides its configuration" in warning
    await user.may(*DOCUMENTED, *USEFUL)
    assert await user.prepare() == []


async def test_it_is_enough_for_an_import_that_fails_half_way(user: User) -> None:
    async def slices() -> AsyncIterator[Sequence[EncodedProduct]]:
        for number in range(3):
            yield [EncodedProduct(f"p{number}", b"")]
        raise Conflict("no more")

    await user.may(*DOCUMENTED)
    client = connect(user.url)
    with pytest.raises(Conflict, match="no more"):
        await Products(client, keys).put_encoded(slices())
    await client.aclose()


@pytest.mark.parametrize("missing", DOCUMENTED)
async def test_each_permission_that_is_missing_is_named(user: User, missing: str) -> None:
    await user.may(*(rule for rule in DOCUMENTED if rule != missing))
    message = await user.refusal()
    assert missing in message.split() or f"the '{missing.removeprefix('+')}' command" in message


async def test_who_may_load_the_functions_but_not_give_the_lease_back_loads_them(
    user: User, client: Redis
) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    await user.may(*DOCUMENTED, "+function|load")
    await user.prepare()
    assert await library.loaded_version(client) == library.VERSION
    await ask(client, "DEL", keys.lease("library"))


async def test_all_that_is_missing_is_named_at_once(user: User) -> None:
    lacking = {"+hset", "+spublish", "+ssubscribe", "+zscan", "&dropcast:*"}
    await user.may(*(rule for rule in DOCUMENTED if rule not in lacking))
    message = await user.refusal()
    assert f"user {user.name} lacks permissions: +hset +spublish +ssubscribe +zscan (docs/" in message
    await user.may(*(rule for rule in DOCUMENTED if rule not in ("+hset", "&dropcast:*", "~dropcast:*")))
    assert " lacks permissions: &dropcast:* +hset ~dropcast:* (docs/" in await user.refusal()


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        (("+@all", "~*"), "&dropcast:*"),
        (("+@all", "-@pubsub", "~*", "&*"), "+spublish +ssubscribe +sunsubscribe"),
        (("+@all", "&*"), "~dropcast:*"),
        (("+@all", "%R~*", "&*"), "~dropcast:*"),
        (("+@all", "%W~*", "&*"), "~dropcast:*"),
        (("+@all", "~shop:*", "&shop:*"), "&dropcast:* ~dropcast:*"),
        (("+@all", "~dropcast:*", "&dropcast:{friday}:live"), "&dropcast:*"),
        (("+@all", "~dropcast:{*", "&*"), "~dropcast:*"),
        (("+@all", "-@transaction", "~*", "&*"), "+exec +multi +unwatch +watch"),
        (("+@all", "-@dangerous", "~*", "&*"), "the 'info' command"),
        (("+@all", "-@scripting", "~*", "&*"), "the 'fcall' command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_usual_restrictions_are_named(user: User, rules: tuple[str, ...], missing: str) -> None:
    await user.may(*rules)
    message = await user.refusal()
    assert missing in message
    if missing[0] in "+~&":
        assert f"lacks permissions: {missing} (docs/" in message


@pytest.mark.parametrize(
    "rules", [("+@all", "allkeys", "allchannels"), ("+@all", "~dropcast:*", "&dropcast:*")]
)
async def test_whoever_may_do_more_is_welcome(user: User, rules: tuple[str, ...]) -> None:
    await user.may(*rules)
    assert await user.prepare() == []


@pytest.mark.parametrize(
    "rules", [("-@dangerous", "+info"), ("-function",), ("-script",), ("-acl", "-client")]
)
async def test_what_is_not_needed_may_be_missing(user: User, rules: tuple[str, ...]) -> None:
    await user.may("+@all", "~*", "&*", *rules)
    assert all("hides its configuration" in warning for warning in await user.prepare())


async def test_permissions_for_another_prefix_are_enough_for_that_one(user: User) -> None:
    await user.may(*(rule.replace("dropcast", "shop") for rule in DOCUMENTED), *USEFUL)
    assert await user.prepare(prefix="shop") == []
    assert "&dropcast:* ~dropcast:*" in await user.refusal()


async def test_another_database_needs_the_command_that_selects_it(user: User) -> None:
    await user.may(*DOCUMENTED, *USEFUL)
    user.url += "?db=1"
    (warning,) = await user.prepare()
    assert "channels know no database" in warning
    await user.may(*DOCUMENTED, "+config|get")
    assert "the 'select' command" in await user.refusal()


async def test_a_wrong_password_is_told_as_such(user: User) -> None:
    await user.may(*DOCUMENTED)
    user.url = user.url.replace("p%40ss", "wrong")
    assert "refuses the credentials" in await user.refusal()


async def test_a_command_of_one_shot_is_refused_as_a_server_is(user: User) -> None:
    await user.may(*(rule for rule in DOCUMENTED if rule != "+zscan"))
    with pytest.raises(EngineUnfit, match=r"\+zscan"):
        async with open_engine(Settings(redis_url=user.url)):
            pytest.fail("it must not begin")


async def test_nothing_is_run_by_asking(user: User, stall: Stall) -> None:
    before = await stall.shows.read("friday")
    await user.may(*DOCUMENTED)
    await user.prepare()
    after = await stall.shows.read("friday")
    assert (after.epoch, after.seq, after.offset, after.units) == (
        before.epoch,
        before.seq,
        before.offset,
        before.units,
    )
    assert {name for name in await ask(stall.client, "KEYS", "*") if b"any" in name} == set()


async def test_a_full_engine_is_no_unfit_one(user: User, client: Redis) -> None:
    await user.may(*DOCUMENTED)
    async with memory_bound(client, 1):
        await user.prepare()


async def test_commands_that_make_no_sense_are_a_bad_request(client: Redis) -> None:
    with pytest.raises(Exception, match="commands out of bounds"):
        await Functions(client, keys).permissions(key="k", channel="c", commands=b"\xc1")


# Loading the functions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [None, library.VERSION - 1])
async def test_a_user_who_may_not_load_needs_the_functions_to_be_there(
    user: User, client: Redis, version: int | None
) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    if version is not None:
        older = library.SOURCE.replace(f"VERSION = {library.VERSION}\n", f"VERSION = {version}\n")
        await ask(client, "FUNCTION", "LOAD", older)
    await user.may(*DOCUMENTED, "+del")
    message = await user.refusal()
    assert (f"version {version} of the functions" if version else "none of the functions") in message
    assert f"may not load version {library.VERSION}" in message
    assert "the 'function|load' command" in message
    # As an administrator does it, by the file that the documents name.
    await ask(client, "FUNCTION", "LOAD", "REPLACE", library.PATH.read_text(encoding="utf-8"))
    await user.prepare()


async def test_what_the_documents_call_useful_is_enough_to_load(user: User, client: Redis) -> None:
    await ask(client, "FUNCTION", "FLUSH")
    await user.may(*DOCUMENTED, *USEFUL)
    assert await user.prepare() == []
    assert await library.loaded_version(client) == library.VERSION


# While it works --------------------------------------------------------------------------------------------------


async def test_a_channel_that_is_taken_away_costs_publications_and_leaves_nothing_half_done(
    user: User,
) -> None:
    await user.may(*DOCUMENTED)
    client = connect(user.url)
    stall = Stall(client)
    await stall.shows.ping()
    await user.may(*(rule for rule in DOCUMENTED if rule[0] != "&"))
    await stall.open()
    assert await stall.event_names(0) == ["ShowStarted", "DropOpened"]
    await client.aclose()


async def test_a_command_that_is_taken_away_is_an_unfit_engine(user: User) -> None:
    await user.may(*DOCUMENTED)
    client = connect(user.url)
    stall = await Stall(client).open()
    await user.may(*(rule for rule in DOCUMENTED if rule != "+xread"))
    with pytest.raises(EngineUnfit, match="lacks a permission") as raised:
        await stall.trade()
    assert isinstance(raised.value, EngineFault)
    assert not raised.value.temporary
    await client.aclose()


def test_the_probe_asks_under_the_prefix() -> None:
    assert {
        str(word).split(":")[0] for command in permissions.commands_sent(Keys("shop")) for word in command
    } & {"dropcast"} == set()
