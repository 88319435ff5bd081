"""Sends every kind of message that SSH has, as large and as often as it can, where nobody reads: before login, into channels
of every state, on many connections. Whether the gateway stays small is for the caller to see.

usage: flood.py before | after USER idle|shells|running | many CONNECTIONS USER
Prints a line for each kind that was sent.
"""

import os
import sys
import threading
import time

import paramiko
from paramiko import common

import door
from hostile_client import message, number

BIG = b"x" * 250_000
# How long each kind is sent, in seconds: longer where much could be kept.
EACH = 0.2
LONGER = {"request signal False": 2, "request env False": 1, "request env-value False": 1, "request exec-short False": 1}
CHANNELS = 128
# Each of these has a program on the target.
RUNNING = 8

BODIES = {
    common.MSG_CHANNEL_WINDOW_ADJUST: lambda channel: (channel, 0xFFFFFFFF),
    common.MSG_CHANNEL_EOF: lambda channel: (channel,),
    common.MSG_CHANNEL_CLOSE: lambda channel: (channel,),
    common.MSG_CHANNEL_SUCCESS: lambda channel: (channel,),
    common.MSG_CHANNEL_FAILURE: lambda channel: (channel,),
}

# Requests on a channel: name and what follows the flag that asks for an answer.
REQUESTS = {
    "signal": (BIG,),
    "env": (BIG, BIG[:1000]),
    "env-value": ("LANG", BIG),
    "exec": (BIG,),
    "exec-short": (BIG[:100_000],),
    "subsystem": (BIG,),
    "pty-req": (BIG, 80, 24, 0, 0, b""),
    "window-change": (80, 24, 0, 0),
    "x11-req": (True, BIG[:100_000], BIG[:100_000], 0),
    "auth-agent-req@openssh.com": (),
    "break": (1000,),
    "eow@openssh.com": (),
    "xon-xoff": (True,),
    "exit-status": (0,),
    "exit-signal": (BIG, False, BIG[:1000], b""),
    "nonsense@example.org": (BIG,),
}

OPENS = {
    "session": (),
    "x11": (BIG, 1),
    "direct-tcpip": (BIG, 22, BIG[:1000], 1),
    "forwarded-tcpip": (BIG, 22, BIG[:1000], 1),
    "direct-streamlocal@openssh.com": (BIG, b"", 0),
    "auth-agent@openssh.com": (),
    "forwarded-streamlocal@openssh.com": (BIG, b""),
    "tun@openssh.com": (1, 1),
    "nonsense@example.org": (BIG,),
}

GLOBALS = {
    "tcpip-forward": (BIG, 0),
    "cancel-tcpip-forward": (BIG, 0),
    "streamlocal-forward@openssh.com": (BIG,),
    "cancel-streamlocal-forward@openssh.com": (BIG,),
    "hostkeys-prove-00@openssh.com": (BIG,),
    "no-more-sessions@openssh.com": (),
    "nonsense@example.org": (BIG,),
}


def lasts(name):
    return LONGER.get(name, EACH / 6 if name.startswith("message") else EACH)


def pour(connection, parts, until):
    """Sends what `parts` gives, one message after the other, until the time is over or the gateway ends the connection."""
    sent = 0
    try:
        while time.monotonic() < until and connection.is_active():
            connection._send_message(message(*parts(sent)))
            sent += 1
    except (OSError, EOFError, paramiko.SSHException):
        pass
    return sent


def kinds(channels):
    """Every kind of message with a body that makes it one, by name. `channels` are numbers of the gateway's."""
    for name, body in REQUESTS.items():
        request = name.removesuffix("-value").removesuffix("-short")
        for answer in (False, True):
            yield f"request {name} {answer}", lambda n, r=request, b=body, a=answer: (number(common.MSG_CHANNEL_REQUEST), channels[n % len(channels)], r, a, *b)
    for name, body in OPENS.items():
        yield f"open {name}", lambda n, k=name, b=body: (number(common.MSG_CHANNEL_OPEN), k, 1000 + n, 1, 1 << 15, *b)
    for name, body in GLOBALS.items():
        yield f"global {name}", lambda n, k=name, b=body: (number(common.MSG_GLOBAL_REQUEST), k, True, *b)
    for size in (0, 1, 30_000):
        yield f"data {size}", lambda n, s=size: (number(common.MSG_CHANNEL_DATA), channels[n % len(channels)], b"x" * s)
        yield f"extended {size}", lambda n, s=size: (number(common.MSG_CHANNEL_EXTENDED_DATA), channels[n % len(channels)], 1, b"x" * s)
    structured = {common.MSG_CHANNEL_REQUEST, common.MSG_CHANNEL_OPEN, common.MSG_GLOBAL_REQUEST, common.MSG_CHANNEL_DATA, common.MSG_CHANNEL_EXTENDED_DATA}
    # 20 and 21 begin a key exchange of the client's own making, which paramiko would not survive either.
    for kind in sorted(set(range(1, 128)) - structured - {common.MSG_DISCONNECT, common.MSG_KEXINIT, common.MSG_NEWKEYS}):
        body = BODIES.get(kind, lambda channel: (channel, BIG[:30_000]))
        yield f"message {kind}", lambda n, k=kind, b=body: (number(k), *b(channels[n % len(channels)]))


class Deaf(door.Door):
    """Takes no notice of what the gateway sends on channels, and grants no window."""

    def _sanitize_window_size(self, window_size):
        return 1


def connect(user):
    connection = Deaf(("127.0.0.1", door.PORT))
    connection.start_client(timeout=30)
    return door.login(user, connection)


def prepare(user, state):
    """A connection with its channels: never started, in the middle of whatever the gateway says there, or running on a target."""
    connection = connect(user)
    channels = []
    for _ in range(RUNNING if state == "running" else CHANNELS):
        channel = connection.open_session(timeout=30)
        if state == "shells":
            channel.get_pty()
            channel.invoke_shell()
        elif state == "running":
            channel.exec_command("cat")
        channels.append(channel.remote_chanid)
    return connection, channels + [9999]


def before():
    for name, parts in kinds([0, 1, 9999]):
        connection = door.transport(check=False)
        print(name, pour(connection, parts, time.monotonic() + EACH / 4), flush=True)
        connection.close()


def after(user, state):
    connection = None
    for name, parts in kinds([0]):
        if connection is None or not connection.is_active():
            connection, channels = prepare(user, state)
        parts = dict(kinds(channels))[name]
        print(name, pour(connection, parts, time.monotonic() + lasts(name)), flush=True)


def many(count, user):
    """Each connection sends other kinds, all at once, and all of them every kind there is."""
    names = [name for name, _ in kinds([0])]

    def enter():
        connection = connect(user)
        return connection, [connection.open_session(timeout=30).remote_chanid for _ in range(4)]

    held = [enter() for _ in range(count)]
    sent = set()
    print("connected", len(held), flush=True)

    def work(index):
        connection, channels = held[index]
        for name in names[index::count]:
            if not connection.is_active():
                connection, channels = enter()
            parts = dict(kinds(channels))[name]
            print(name, pour(connection, parts, time.monotonic() + 1.5), flush=True)
            sent.add(name)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if unsent := set(names) - sent:
        print("not sent:", *sorted(unsent), flush=True)
        os._exit(1)


if __name__ == "__main__":
    if sys.argv[1] == "before":
        before()
    elif sys.argv[1] == "after":
        after(sys.argv[2], sys.argv[3])
    else:
        many(int(sys.argv[2]), sys.argv[3])
    print("walked", flush=True)
    os._exit(0)
