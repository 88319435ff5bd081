"""A target that does not keep to the protocol, on 127.0.0.1.

usage: hostile_target.py TRICK PORT HOST_KEY REPORT
REPORT is a file that gets one line for each thing the gateway did.
"""

import os
import socket
import struct
import sys
import threading
import time

import paramiko
from paramiko.common import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_OPEN_SUCCESS,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    MSG_GLOBAL_REQUEST,
)

TRICK, PORT, HOST_KEY, REPORT = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
lock = threading.Lock()


def tell(what, value):
    with lock, open(REPORT, "a", encoding="utf-8") as report:
        report.write(f"{what}: {value}\n")


def number(value):
    return bytearray([value])


def send(connection, *parts):
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
    connection._send_message(built)


class Meeting(paramiko.Transport):
    """The library's side of a connection, which remembers the key exchange that was agreed on."""

    agreed_kex = None

    def __setattr__(self, name, value):
        if name == "kex_engine" and value is not None:
            self.agreed_kex = getattr(value, "name", type(value).__name__)
        super().__setattr__(name, value)


class Server(paramiko.ServerInterface):
    def __init__(self, connection):
        self.connection = connection

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_FAILED if TRICK == "refuses_login" else paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED if TRICK == "refuses_channel" else paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, channel, *_):
        return True

    def check_channel_shell_request(self, channel):
        return self.serve(channel)

    def check_channel_exec_request(self, channel, command):
        return self.serve(channel)

    def serve(self, channel):
        if TRICK == "refuses_command":
            return False
        threading.Thread(target=commands[TRICK], args=(self.connection, channel), daemon=True).start()
        return True


def finish(channel, status=0):
    channel.send_exit_status(status)
    channel.close()


def plain(connection, channel):
    tell("kex", connection.agreed_kex)
    tell("strict", connection.agreed_on_strict_kex)
    channel.sendall(b"plain\n")
    finish(channel)


def post_quantum_alone(connection, channel):
    """No trick: an honest target that exchanges keys in one way only."""
    plain(connection, channel)


def own_channels(connection, channel):
    """Opens channels towards the gateway, of every kind."""
    for kind in ("session", "forwarded-tcpip", "x11", "auth-agent@openssh.com", "direct-tcpip", "nonsense@example.org"):
        address = ("127.0.0.1", 22) if "tcpip" in kind else None
        try:
            connection.open_channel(kind, address, ("127.0.0.1", 1) if address or kind == "x11" else None, timeout=5)
            tell(kind, "opened")
        except Exception as problem:  # noqa: BLE001: whatever the refusal looks like
            tell(kind, type(problem).__name__)
    channel.sendall(b"served\n")
    finish(channel)


def own_requests(connection, channel):
    """Asks the gateway for things, on the connection and on the channel."""
    for name in ("tcpip-forward", "hostkeys-00@openssh.com", "nonsense@example.org", "keepalive@openssh.com"):
        send(connection, number(MSG_GLOBAL_REQUEST), name, False)
    for name in ("shell", "exec", "pty-req", "subsystem", "env", "signal", "window-change", "nonsense"):
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, name, False, "x")
    channel.sendall(b"served\n")
    finish(channel)


def request_flood(connection, channel):
    for _ in range(20_000):
        send(connection, number(MSG_GLOBAL_REQUEST), "keepalive@openssh.com", False)
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "nonsense", False)
    channel.sendall(b"served\n")
    finish(channel)


def window_ignored(connection, channel):
    """Sends without looking at the window."""
    chunk = b"x" * 32000
    sent = 0
    try:
        while sent < 200 << 20 and connection.is_active():
            send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, chunk)
            sent += len(chunk)
    except Exception:  # noqa: BLE001: the end of the connection, however it shows
        pass
    tell("sent", sent)
    finish(channel)


def window_overflow(connection, channel):
    """Grants more window than there are numbers, then works on."""
    for _ in range(10):
        send(connection, number(MSG_CHANNEL_WINDOW_ADJUST), channel.remote_chanid, 0xFFFFFFFF)
    channel.sendall(b"served\n")
    finish(channel)


def window_tiny(connection, channel):
    """Grants the window of its input byte by byte, and tells what came."""
    received = b""
    channel.settimeout(30)
    while chunk := channel.recv(1):
        received += chunk
    channel.sendall(b"got %d\n" % len(received))
    finish(channel)


def output_after_eof(connection, channel):
    channel.sendall(b"before\n")
    channel.shutdown_write()
    for _ in range(20):
        send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, b"after\n")
        send(connection, number(MSG_CHANNEL_EXTENDED_DATA), channel.remote_chanid, 1, b"after\n")
    finish(channel, 5)


def unknown_stream(connection, channel):
    """Extended data of a kind that does not exist."""
    for kind in (0, 2, 7, 0xFFFFFFFF):
        send(connection, number(MSG_CHANNEL_EXTENDED_DATA), channel.remote_chanid, kind, b"hidden\n")
    channel.sendall(b"served\n")
    finish(channel)


def repeats_itself(connection, channel):
    """Two hundred of each message that comes without bytes, more than the gateway's library has room for."""
    for _ in range(200):
        send(connection, number(MSG_CHANNEL_WINDOW_ADJUST), channel.remote_chanid, 1)
        send(connection, number(MSG_CHANNEL_OPEN_SUCCESS), channel.remote_chanid, channel.chanid, 1 << 20, 1 << 15)
        send(connection, number(MSG_CHANNEL_SUCCESS), channel.remote_chanid)
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "xon-xoff", False, True)
        send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, b"")
    channel.sendall(b"served\n")
    finish(channel)


def takes_the_channel_back(connection, channel):
    """Says of a channel that works that it could not be opened."""
    channel.sendall(b"begun\n")
    send(connection, number(MSG_CHANNEL_OPEN_FAILURE), channel.remote_chanid, 1, "no", "")


def closes_midway(connection, channel):
    channel.sendall(b"half of i")
    time.sleep(0.3)
    connection.sock.shutdown(socket.SHUT_RDWR)


def resets_midway(connection, channel):
    channel.sendall(b"half of i")
    time.sleep(0.3)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sock.close()


def no_status(connection, channel):
    """Ends without an exit status."""
    channel.sendall(b"served\n")
    channel.close()


def many_statuses(connection, channel):
    for status in (1, 2, 3):
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exit-status", False, status)
    send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exit-signal", False, "KILL\x1b[2J", False, "\x1b]0;title\x07", "")
    channel.sendall(b"served\n")
    channel.close()


def huge_ending(connection, channel):
    """Says how the command ended in as many words as a packet holds, a hundred times."""
    channel.sendall(b"served\n")
    big = "M" * 30_000
    send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exit-signal", False, "\x1b[2J", True, big, "")
    for _ in range(100):
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exit-signal", False, "KILL", False, big, "")
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exit-status", False, 0)
    channel.close()


def giant_ending(connection, channel):
    """Words that are longer than the packet size the gateway told."""
    channel.sendall(b"served\n")
    for _ in range(1000):
        send(connection, number(MSG_CHANNEL_REQUEST), channel.remote_chanid, "exit-signal", False, "KILL", False, "M" * 200_000, "")


def giant_packets(connection, channel):
    """Data in packets that are larger than the gateway told."""
    for _ in range(1000):
        send(connection, number(MSG_CHANNEL_DATA), channel.remote_chanid, b"x" * 200_000)


def terminal_bombs(connection, channel):
    """Escape sequences that change titles, answer by themselves, or never end."""
    channel.sendall(b"\x1b]0;stolen title\x07\x1b[6n\x1b[c\x1b]52;c;c3RvbGVu\x07\x1bP" + b"q" * 100_000 + b"\x1b\\\x1b[99999999;99999999H\nserved\n")
    finish(channel)


def banner(peer):
    peer.sendall(b"SSH-2.0-hostile\r\n")


def bad_exchange(peer):
    """Noise where the key exchange should be."""
    banner(peer)
    peer.sendall(os.urandom(100_000))


def bad_exchange_lengths(peer):
    """A key exchange whose lists are longer than their packet."""
    banner(peer)
    payload = b"\x14" + b"\x00" * 16 + struct.pack(">I", 0xFFFFFFF0) + b"x" * 200
    padding = 8 - (len(payload) + 5) % 8 + 8
    peer.sendall(struct.pack(">IB", len(payload) + padding + 1, padding) + payload + b"\x00" * padding)


def endless_banner(peer):
    sent = 0
    try:
        while sent < 512 << 20:
            sent += peer.send(b"Welcome to a long banner, line after line\r\n" * 1000)
    except OSError:
        pass
    tell("sent", sent)


def silent(peer):
    """Accepts, and says nothing."""
    peer.settimeout(120)
    try:
        while peer.recv(4096):
            pass
    except OSError:
        pass


def silent_after_banner(peer):
    banner(peer)
    silent(peer)


def closes_at_once(peer):
    peer.close()


def not_ssh(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    time.sleep(0.5)
    peer.close()


commands = {name: trick for name, trick in globals().items() if callable(trick) and getattr(trick, "__code__", None) and trick.__code__.co_varnames[:2] == ("connection", "channel")}
sockets = {name: trick for name, trick in globals().items() if callable(trick) and getattr(trick, "__code__", None) and trick.__code__.co_varnames[:1] == ("peer",) and name != "banner"}


def attend(peer):
    if TRICK in sockets:
        sockets[TRICK](peer)
        return
    connection = Meeting(peer)
    if TRICK == "post_quantum_alone":
        connection._preferred_kex = ("mlkem768x25519-sha256",)
    connection.add_server_key(paramiko.Ed25519Key.from_private_key_file(HOST_KEY))
    try:
        connection.start_server(server=Server(connection))
    except (paramiko.SSHException, EOFError, OSError):
        return
    while connection.is_active():
        time.sleep(0.05)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", PORT))
listener.listen(64)
print("ready", flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=attend, args=(accepted,), daemon=True).start()
