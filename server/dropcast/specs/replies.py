"""Which replies a command may get, beside `error`, which any of them may."""

from dropcast.wire import commands, messages
from dropcast.wire.commands import Command
from dropcast.wire.messages import Reply

REPLIES: dict[type[Command], tuple[type[Reply], ...]] = {
    commands.Hello: (messages.Welcome,),
    commands.Auth: (messages.Welcome,),
    commands.Ping: (messages.Pong,),
    commands.Watch: (messages.Watching,),
    commands.Leave: (messages.Left,),
    commands.Reserve: (messages.Held, messages.Refused),
    commands.Release: (messages.Released, messages.Refused),
    commands.Checkout: (messages.Sold, messages.Refused),
    commands.Pin: (messages.Done,),
    commands.Update: (messages.Done,),
    commands.Unpin: (messages.Done,),
    commands.Announce: (messages.Done,),
    commands.Freeze: (messages.Done,),
    commands.Thaw: (messages.Done,),
    commands.Mute: (messages.Done,),
    commands.Ban: (messages.Done,),
}
