"""A line with some way: what is said reaches the other end later, as much of it as before.

late.py HOST PORT SECONDS, as OpenSSH's ProxyCommand.
"""

import os
import queue
import socket
import sys
import threading
import time

host, port, late = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
there = socket.create_connection((host, port))
there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def carry(read, write, end):
    waiting = queue.Queue()

    def deliver():
        while True:
            due, piece = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                return end()
            write(piece)

    delivering = threading.Thread(target=deliver)
    delivering.start()
    while True:
        piece = read()
        waiting.put((time.monotonic() + late, piece))
        if not piece:
            return delivering.join()


def out(piece):
    while piece:
        piece = piece[os.write(1, piece):]


up = threading.Thread(
    target=carry,
    args=(lambda: os.read(0, 1 << 16), there.sendall, lambda: there.shutdown(socket.SHUT_WR)),
    daemon=True,
)
up.start()
carry(lambda: there.recv(1 << 16), out, lambda: None)
