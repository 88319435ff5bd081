"""What a program built on paramiko does: a command with input and both outputs, then a shell under a pty.

usage: paramiko_client.py USER
       paramiko_client.py USER kex NAME…   offers each key exchange alone (`any`: all it has), and tells what was agreed on
"""

import hashlib
import os
import sys
import time

import paramiko

from door import login, transport


def command(connection):
    channel = connection.open_session()
    channel.exec_command("cat; echo problem >&2; exit 3")
    sent = os.urandom(1 << 20)
    channel.settimeout(60)
    received, errors, at = b"", b"", 0
    while not (channel.exit_status_ready() and not channel.recv_ready() and not channel.recv_stderr_ready() and channel.eof_received):
        if at < len(sent) and channel.send_ready():
            at += channel.send(sent[at : at + 32768])
            if at == len(sent):
                channel.shutdown_write()
        if channel.recv_ready():
            received += channel.recv(65536)
        elif channel.recv_stderr_ready():
            errors += channel.recv_stderr(65536)
        elif at == len(sent) or not channel.send_ready():
            time.sleep(0.005)
    while chunk := channel.recv(65536):
        received += chunk
    assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest(), f"{len(received)} of {len(sent)} bytes"
    assert errors == b"problem\n", errors
    assert channel.recv_exit_status() == 3, channel.recv_exit_status()


def shell(connection):
    channel = connection.open_session()
    channel.get_pty("xterm", 91, 33)
    channel.invoke_shell()
    channel.settimeout(30)
    seen = b""

    def until(text):
        nonlocal seen
        while text not in seen:
            chunk = channel.recv(65536)
            assert chunk, f"the shell ended before {text!r}: {seen!r}"
            seen += chunk

    until(b"target$ ")
    channel.send(b"stty size\n")
    until(b"33 91")
    channel.resize_pty(101, 44)
    channel.send(b"stty size\n")
    until(b"44 101")
    channel.send(b"exit 9\n")
    assert channel.recv_exit_status() == 9


def exchange(name):
    """Logs in and runs a command behind one key exchange."""
    try:
        connection = transport(kex=None if name == "any" else name)
    except paramiko.SSHException as problem:
        print(f"{name}: refused: {type(problem).__name__}: {problem}", flush=True)
        return
    login(user, connection)
    channel = connection.open_session()
    channel.settimeout(30)
    channel.exec_command("echo behind it")
    assert channel.recv(100) == b"behind it\n"
    print(f"{name}: {connection.agreed_kex}, strict: {connection.agreed_on_strict_kex}", flush=True)
    connection.close()


user = sys.argv[1]
if sys.argv[2:3] == ["kex"]:
    for name in sys.argv[3:]:
        exchange(name)
    sys.exit(0)
connection = login(user)
command(connection)
shell(connection)
connection.close()
print("ok")
