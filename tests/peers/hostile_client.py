"""A client that does not keep to the protocol. Each trick says on stdout what the gateway did.

usage: hostile_client.py TRICK USER
"""

import os
import socket
import struct
import sys
import threading
import time

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_OPEN_SUCCESS,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_GLOBAL_REQUEST,
    MSG_SERVICE_REQUEST,
    MSG_USERAUTH_REQUEST,
)

import door


def message(*parts):
    built = paramiko.Message()
    for part in parts:
        if isinstance(part, bool):
            built.add_boolean(part)
        elif isinstance(part, int):
            built.add_int(part)
        elif isinstance(part, (str, bytes)):
            built.add_string(part)
        elif isinstance(part, bytearray):
            built.add_bytes(bytes(part))
    return built


def number(value):
    return bytearray([value])


def send(connection, *parts):
    connection._send_message(message(*parts))


def wait_closed(connection, patience=20):
    """Whether the gateway ended the connection."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not connection.is_active():
            return True
        time.sleep(0.01)
    return False


def tell(what, value):
    print(f"{what}: {value}", flush=True)


def channel_before_login(user):
    connection = door.transport()
    send(connection, number(MSG_CHANNEL_OPEN), "session", 0, 1 << 20, 1 << 15)
    tell("closed", wait_closed(connection))


def request_before_login(user):
    connection = door.transport()
    send(connection, number(MSG_GLOBAL_REQUEST), "tcpip-forward", True, "127.0.0.1", 0)
    tell("closed", wait_closed(connection))


def data_before_login(user):
    connection = door.transport()
    send(connection, number(MSG_CHANNEL_DATA), 0, b"x" * 1000)
    tell("closed", wait_closed(connection))


def two_shells(user):
    connection = door.login(user)
    channel = connection.open_session()
    channel.exec_command("echo first; cat")
    channel.settimeout(20)
    assert channel.recv(100) == b"first\n"
    for second in (lambda: channel.exec_command("echo second"), channel.invoke_shell, channel.get_pty):
        try:
            second()
            tell("second", "accepted")
        except paramiko.SSHException:
            tell("second", "refused")
            break
    # paramiko closes a channel on a refused request; another must still work.
    other = connection.open_session()
    other.exec_command("echo still here")
    other.settimeout(20)
    tell("other", other.recv(100).decode().strip())


def too_late(user):
    """A second start, whole or by its beginning, a terminal and a variable on a channel that runs; global requests."""
    connection = door.login(user)
    running = connection.open_session()
    running.exec_command("cat")
    late = [("shell", ()), ("exec", ("id -u",)), ("exec", ("y" * 300,)), ("pty-req", ("xterm", 80, 24, 0, 0, b"")), ("shell", ())]
    for name, body in late:
        send(connection, number(MSG_CHANNEL_REQUEST), running.remote_chanid, name, False, *body)
    # One that wants no answer, and what asks for nothing.
    for name in ("unanswered@example.org", "keepalive@openssh.com", "keepalive@lag.net", "no-more-sessions@openssh.com"):
        send(connection, number(MSG_GLOBAL_REQUEST), name, False)
    running.settimeout(20)
    running.sendall(b"still here\n")
    tell("other", running.recv(100).decode().strip())
    running.close()
    connection.close()


def two_shells_raw(user):
    """Two exec requests in one breath, without waiting for the first answer."""
    connection = door.login(user)
    channel = connection.open_session()
    for text in ("echo first", "echo second"):
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exec", False, text)
    channel.settimeout(20)
    received = b""
    while chunk := channel.recv(1000):
        received += chunk
    tell("received", received)


def window_overflow(user):
    """Sends to a command that does not read, ignoring the window: the gateway must neither grow nor hang."""
    connection = door.login(user)
    channel = connection.open_session()
    channel.exec_command("sleep 100")
    chunk = b"x" * 32000
    sent = 0
    try:
        while sent < 256 << 20 and connection.is_active():
            send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, chunk)
            sent += len(chunk)
    except (OSError, EOFError, paramiko.SSHException):
        pass
    tell("closed", wait_closed(connection))
    tell("sent", sent)


def long_command(user):
    """A command that is longer than any argument of a program may be."""
    connection = door.login(user)
    channel = connection.open_session()
    channel.exec_command("echo " + "x" * 131072)
    channel.settimeout(20)
    tell("said", channel.recv_stderr(1000).decode())
    tell("status", channel.recv_exit_status())


def huge_packet(user):
    """A packet that says it is larger than any may be."""
    peer = socket.create_connection(("127.0.0.1", door.PORT))
    peer.settimeout(20)
    peer.sendall(b"SSH-2.0-hostile\r\n")
    peer.sendall(struct.pack(">I", 0x7FFFFFFF) + b"\x04" + b"\x00" * 4096)
    received = b""
    try:
        while chunk := peer.recv(65536):
            received += chunk
    except socket.timeout:
        tell("closed", False)
        return
    except ConnectionError:
        pass
    tell("closed", True)


def endless_identification(user):
    """Never ends the first line."""
    peer = socket.create_connection(("127.0.0.1", door.PORT))
    peer.settimeout(20)
    sent = 0
    try:
        while sent < 64 << 20:
            sent += peer.send(b"A" * 65536)
    except OSError:
        pass
    tell("sent", sent)


def honest(user):
    """No trick: what the others are compared with."""
    tell("authenticated", door.login(user).is_authenticated())


def user_changed(user):
    """The keys of one name, then another name: what was proven for the first must not count for the second."""
    connection = door.transport()
    connection.auth_publickey(user, door.key(door.STATION))
    connection.auth_publickey(user, door.key(door.PERSON))
    try:
        connection.auth_interactive("bruno+db01", lambda _t, _i, prompts: [door.code() for _ in prompts])
    except paramiko.AuthenticationException as problem:
        tell("refused", type(problem).__name__)
    tell("authenticated", connection.is_authenticated())


def target_changed(user):
    """The same person, another target, in the middle of one login."""
    connection = door.transport()
    connection.auth_publickey(user, door.key(door.STATION))
    try:
        connection.auth_publickey("alice+web01", door.key(door.PERSON))
        connection.auth_interactive("alice+web01", lambda _t, _i, prompts: [door.code() for _ in prompts])
    except paramiko.SSHException as problem:
        tell("refused", type(problem).__name__)
    tell("authenticated", connection.is_authenticated())


def twice_the_same_key(user):
    """One key twice is one factor."""
    connection = door.transport()
    for _ in range(2):
        try:
            connection.auth_publickey(user, door.key(door.PERSON))
        except paramiko.SSHException as problem:
            tell("refused", type(problem).__name__)
    tell("authenticated", connection.is_authenticated())


def code_first(user):
    """A good code without any key."""
    connection = door.transport()
    try:
        connection.auth_interactive(user, lambda _t, _i, prompts: [door.code() for _ in prompts])
    except paramiko.SSHException as problem:
        tell("refused", type(problem).__name__)
    tell("authenticated", connection.is_authenticated())


def many_answers(user):
    """More answers than questions."""
    connection = door.transport()
    connection.auth_publickey(user, door.key(door.STATION))
    connection.auth_publickey(user, door.key(door.PERSON))
    try:
        connection.auth_interactive(user, lambda _t, _i, _p: ["000000"] * 200)
    except paramiko.SSHException as problem:
        tell("refused", type(problem).__name__)
    tell("authenticated", connection.is_authenticated())


def empty_answers(user):
    """Answers every question with nothing, without end."""
    connection = door.transport()
    connection.auth_publickey(user, door.key(door.STATION))
    connection.auth_publickey(user, door.key(door.PERSON))
    answered = 0

    def nothing(_title, _instructions, prompts):
        nonlocal answered
        answered += len(prompts)
        return [""] * len(prompts)

    for _ in range(60):
        try:
            connection.auth_interactive(user, nothing)
        except paramiko.AuthenticationException:
            pass
        except (paramiko.SSHException, EOFError, OSError):
            break
    tell("answered", answered)
    tell("authenticated", connection.is_authenticated())
    tell("closed", wait_closed(connection))


def login_storm(user):
    """Login attempts without end on one connection."""
    connection = door.transport()
    send(connection, number(MSG_SERVICE_REQUEST), "ssh-userauth")
    tries = 0
    try:
        while tries < 500 and connection.is_active():
            tries += 1
            send(connection, number(MSG_USERAUTH_REQUEST), user, "ssh-connection", "none")
    except (paramiko.SSHException, EOFError, OSError):
        pass
    tell("tries", tries)
    tell("closed", wait_closed(connection))


def request_storm(user):
    """Requests that nobody waits for; another channel must still answer afterwards."""
    connection = door.login(user)
    channel = connection.open_session()
    for turn in range(20_000):
        if turn % 3 == 0:
            send(connection, number(MSG_GLOBAL_REQUEST), f"nonsense-{turn}@example.org", False)
        elif turn % 3 == 1:
            send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, f"nonsense-{turn}", False)
        else:
            send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "env", False, f"LC_{turn}", "x" * 100)
    other = connection.open_session(timeout=30)
    other.settimeout(30)
    other.exec_command("echo still here")
    tell("other", other.recv(100).decode().strip())


def each_request_often(user):
    """Forty of each message that a channel takes, each kind on a channel of its own; another must still answer afterwards."""
    connection = door.login(user)
    requests = {
        "pty-req": ("xterm", 80, 24, 0, 0, b"\x00"),
        "env": ("LC_A", "b"),
        "x11-req": (False, "MIT-MAGIC-COOKIE-1", "00", 0),
        "auth-agent-req@openssh.com": (),
        "window-change": (90, 25, 0, 0),
        "signal": ("INT",),
        "subsystem": ("sftp",),
        "shell": (),
        "exec": ("true",),
    }
    for name, body in requests.items():
        channel = connection.open_session(timeout=30)
        for _ in range(40):
            send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, name, False, *body)
    for kind, body in ((MSG_CHANNEL_DATA, (b"x",)), (MSG_CHANNEL_EXTENDED_DATA, (1, b"x")), (MSG_CHANNEL_EOF, ())):
        channel = connection.open_session(timeout=30)
        for _ in range(40):
            send(connection, number(kind), channel.remote_chanid, *body)
    # What no bytes come with, as when much was read: what is typed then must still pass.
    for kind, body in ((MSG_CHANNEL_WINDOW_ADJUST, (1,)), (MSG_CHANNEL_SUCCESS, ()), (MSG_CHANNEL_FAILURE, ())):
        channel = connection.open_session(timeout=30)
        for _ in range(40):
            send(connection, number(kind), channel.remote_chanid, *body)
        send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, b"x")
    other = connection.open_session(timeout=30)
    other.settimeout(30)
    other.exec_command("echo still here")
    tell("other", other.recv(100).decode().strip())


def confirms_what_was_not_opened(user):
    """Confirms a channel of its own, again and again, as if the gateway had asked for it."""
    connection = door.login(user)
    channel = connection.open_session(timeout=30)
    for _ in range(40):
        try:
            send(connection, number(MSG_CHANNEL_OPEN_SUCCESS), channel.remote_chanid, 0, 1 << 20, 1 << 15)
        except (EOFError, OSError, paramiko.SSHException):
            break
    tell("ended", wait_closed(connection))


def channel_storm(user):
    """Many more channels than anybody needs."""
    connection = door.login(user)
    opened, refused = [], 0
    for _ in range(400):
        try:
            opened.append(connection.open_session(timeout=20))
        except paramiko.ChannelException:
            refused += 1
    tell("opened", len(opened))
    tell("refused", refused)
    opened[0].exec_command("echo still here")
    opened[0].settimeout(20)
    tell("other", opened[0].recv(100).decode().strip())


def forwarding_requests(user):
    """Asks on channels of its own for what would forward something, and wants an answer to each."""
    connection = door.login(user)
    asked = {
        "auth-agent-req@openssh.com": [],
        "x11-req": [False, "MIT-MAGIC-COOKIE-1", "00" * 16, 0],
        "nonsense@example.org": [],
    }
    for name, more in asked.items():
        channel = connection.open_session()
        channel._event_pending()
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, name, True, *more)
        try:
            channel._wait_for_event()
            tell(name, "granted")
        except paramiko.SSHException:
            tell(name, "refused")


def unknown_channels(user):
    """Every kind of channel that is not a session."""
    connection = door.login(user)
    kinds = {
        "direct-tcpip": ("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1)),
        "forwarded-tcpip": ("forwarded-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1)),
        "x11": ("x11", None, ("127.0.0.1", 1)),
        "auth-agent": ("auth-agent@openssh.com", None, None),
        "tun": ("tun@openssh.com", None, None),
        "nonsense": ("nonsense@example.org", None, None),
    }
    for name, (kind, destination, source) in kinds.items():
        try:
            connection.open_channel(kind, destination, source, timeout=20)
            tell(name, "opened")
        except paramiko.ChannelException as problem:
            tell(name, f"refused: {problem}")


TWICE = {"tun@openssh.com", "nonsense@example.org"}
# What a channel that runs may be told, or may not be asked for again.
OF_THE_START = {"exec", "exec-short", "pty-req", "signal", "env-value"}


def each_kind(user):
    """Every kind of channel and request beside a command that runs, two kinds of channels twice."""
    import flood

    def small(body):
        return tuple(part[:20] if isinstance(part, (str, bytes)) else part for part in body)

    connection = door.login(user)
    running = connection.open_session()
    running.exec_command("cat")
    for name, body in flood.OPENS.items():
        for _ in range(0 if name == "session" else 2 if name in TWICE else 1):
            send(connection, number(MSG_CHANNEL_OPEN), name, 1000, 1 << 20, 1 << 15, *small(body))
    for name, body in flood.REQUESTS.items():
        if name not in OF_THE_START:
            send(connection, number(MSG_CHANNEL_REQUEST), running.remote_chanid, name, False, *small(body))
    for name, body in flood.GLOBALS.items():
        if name != "hostkeys-prove-00@openssh.com":  # A person's refusals of a minute are counted from the twentieth on.
            send(connection, number(MSG_GLOBAL_REQUEST), name, True, *small(body))
    running.settimeout(20)
    running.sendall(b"still here\n")
    tell("other", running.recv(100).decode().strip())
    running.close()
    connection.close()


def data_after_close(user):
    """Talks on a channel that it closed."""
    connection = door.login(user)
    channel = connection.open_session()
    channel.exec_command("cat")
    send(connection, number(MSG_CHANNEL_CLOSE), channel.remote_chanid)
    for _ in range(50):
        send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, b"late")
        send(connection, number(MSG_CHANNEL_EOF), channel.remote_chanid)
    fresh(user)


def no_such_channel(user):
    connection = door.login(user)
    for what in (MSG_CHANNEL_DATA, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE):
        send(connection, number(what), 4242, *([b"lost"] if what == MSG_CHANNEL_DATA else []))
    fresh(user)


def odd_terminal(user):
    """Sizes and modes that no terminal has."""
    connection = door.login(user)
    channel = connection.open_session()
    modes = b"".join(bytes([op]) + struct.pack(">I", 0xFFFFFFFF) for op in range(1, 160)) + b"\x00"
    send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "pty-req", False, "\x1b]0;x\x07" * 10, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, modes)
    for width in (0, 1, 0xFFFF, 0xFFFFFFFF):
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "window-change", False, width, width, 0, 0)
    channel.settimeout(20)
    try:
        channel.exec_command("echo survived")
        tell("received", channel.recv(200).decode(errors="replace").strip())
    except (paramiko.SSHException, EOFError, OSError) as problem:
        tell("received", type(problem).__name__)
    fresh(user)


def fresh(user):
    """The gateway still serves: the same person, a new connection."""
    connection = door.login(user)
    channel = connection.open_session()
    channel.exec_command("echo still here")
    channel.settimeout(20)
    tell("other", channel.recv(100).decode().strip())


def stalled_reader(user):
    """Starts much output and reads nothing, saying when; then waits to be cut."""
    peer = socket.create_connection(("127.0.0.1", door.PORT))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection = door.Door(peer)
    connection.default_window_size = 0x7FFFFFFF
    connection.start_client(timeout=20)
    door.login(user, connection)
    channel = connection.open_session(window_size=0x7FFFFFF0)
    channel.exec_command("yes 0123456789012345678901234567890123456789")
    channel.settimeout(20)
    stall(peer, connection, channel)


def stall(peer, connection, channel):
    """Reads nothing any more once output pours into the channel; says when the gateway ended the connection."""
    gate = threading.Event()
    original = connection.packetizer.read_message

    def reading():
        if gate.is_set():
            # The thread of the transport stops here: the socket is full from now on.
            while True:
                time.sleep(1)
        return original()

    assert channel.recv(10)
    connection.packetizer.read_message = reading
    gate.set()
    time.sleep(0.2)
    tell("stalled", True)
    # The end of the socket is seen by polling, without reading.
    import select

    poller = select.poll()
    poller.register(peer.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for _, event in poller.poll(100):
            if event & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
                tell("ended", time.time())
                os._exit(0)
    tell("ended", "never")
    os._exit(1)


def beside(user, connection):
    """A command under the first intervention that answers, and a shell under the second, on one connection."""
    first = connection.open_session()
    first.exec_command("cat")
    first.settimeout(20)
    first.sendall(b"in-the-first\n")
    assert first.recv(100) == b"in-the-first\n"
    second = connection.open_session(window_size=0x7FFFFFF0)
    second.get_pty()
    second.invoke_shell()
    second.settimeout(20)
    return first, second


def stalled_beside(user):
    """Two sessions on one connection; the second pours, and from then on nothing is read from the socket."""
    peer = socket.create_connection(("127.0.0.1", door.PORT))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection = door.Door(peer)
    connection.start_client(timeout=20)
    door.login(user, connection)
    _first, second = beside(user, connection)
    second.sendall(b"yes 0123456789012345678901234567890123456789\n")
    stall(peer, connection, second)


def unread_beside(user):
    """Two sessions on one connection; the socket is read, the second's output is not: its window is used up."""
    connection = door.login(user)
    first = connection.open_session()
    first.exec_command("cat")
    first.settimeout(20)
    second = connection.open_session()
    second.get_pty()
    second.invoke_shell()
    second.sendall(b"yes 0123456789\n")
    deadline = time.monotonic() + 30

    def is_full():
        return len(second.in_buffer) + len(second.in_stderr_buffer) >= second.in_window_size

    while not is_full() and time.monotonic() < deadline:
        time.sleep(0.05)
    tell("full", is_full())
    while not second.closed and time.monotonic() < deadline + 30:
        time.sleep(0.01)
    tell("closed", time.time())
    first.sendall(b"still here\n")
    tell("other", first.recv(100).decode().strip())


WINDOW_SIZE = """python3 -c '
import fcntl, struct, sys, termios
for line in sys.stdin:
    print("size", *struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))), flush=True)
'"""


def pixels(user):
    """A window told in pixels too: what they could carry. Says which size the target has at first, and after a change."""
    connection = door.login(user)
    channel = connection.open_session()
    channel.settimeout(20)
    channel.get_pty(width=80, height=24, width_pixels=0x4142, height_pixels=0x4344)
    channel.exec_command(WINDOW_SIZE)
    output = channel.makefile("r")

    def size():
        channel.sendall(b"\n")
        return next(line.split()[1:] for line in output if line.startswith("size"))

    tell("first", " ".join(size()))
    channel.resize_pty(width=100, height=30, width_pixels=0x4546, height_pixels=0x4748)
    tell("then", " ".join(size()))


def refused_loop(user):
    """Forwards asked for without end, on one connection, as many as it may."""
    connection = door.login(user)
    for port in range(490):
        connection._send_message(message(number(MSG_GLOBAL_REQUEST), "tcpip-forward", False, "127.0.0.1", 10000 + port))
    # Answered after all of them.
    tell("answered", connection.global_request("tcpip-forward", ("127.0.0.1", 9999), wait=True) is None)


if __name__ == "__main__":
    tricks = {name: trick for name, trick in globals().items() if callable(trick) and getattr(trick, "__module__", None) == "__main__"}
    tricks[sys.argv[1]](sys.argv[2])
    os._exit(0)
