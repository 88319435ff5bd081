"""paramiko jumps: USER TARGET ACCOUNT. Opens a channel to the target by the gateway, speaks SSH on it, and runs a command there."""

import sys

import paramiko

from door import host_key, login

user, target, account = sys.argv[1:]
outer = login(user)
channel = outer.open_channel("direct-tcpip", (target, 22), ("127.0.0.1", 0), timeout=60)

inner = paramiko.Transport(channel)
inner.start_client(timeout=60)
# It reads no certificates of hosts: to it the target has the gateway's own key.
kind, blob = host_key()
shown = inner.get_remote_server_key()
assert (shown.get_name(), shown.get_base64()) == (kind, blob), shown.get_name()
inner.auth_none(account)

session = inner.open_session(timeout=60)
session.settimeout(60)
session.exec_command("cat; exit 5")
sent = bytes(range(256)) * 4000
session.sendall(sent)
session.shutdown_write()
came = b""
while len(came) < len(sent):
    piece = session.recv(65536)
    if not piece:
        break
    came += piece
print("same" if came == sent else f"{len(came)} bytes came")
print(session.recv_exit_status())

sftp = paramiko.SFTPClient.from_transport(inner)
try:
    sftp.listdir("/")
    print("listed")
except IOError as refused:
    print(refused)
inner.close()
outer.close()
