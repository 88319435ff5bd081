"""paramiko opens a place through the gateway: USER PORT OTHER. Sends to PORT, ends what it sends, reads the digest of it; asks for OTHER."""

import hashlib
import os
import sys

import paramiko

from door import login

user, port, other = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
transport = login(user)

sent = os.urandom(700_000)
channel = transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=60)
channel.settimeout(60)
channel.sendall(sent)
channel.shutdown_write()
came = b""
while True:
    piece = channel.recv(65536)
    if not piece:
        break
    came += piece
print("same" if came.decode() == hashlib.sha256(sent).hexdigest() else f"other: {came!r}")
channel.close()

try:
    transport.open_channel("direct-tcpip", ("127.0.0.1", other), ("127.0.0.1", 0), timeout=60)
    print("opened")
except paramiko.ChannelException as refused:
    print(refused)
transport.close()
