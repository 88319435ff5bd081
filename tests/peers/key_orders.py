"""A login with two keys in a given order, the second factor being remembered; then one command.

usage: key_orders.py paramiko|asyncssh USER FIRST-KEY SECOND-KEY
"""

import asyncio
import os
import sys

import door


def with_paramiko(user, names):
    connection = door.transport()
    for name in names:
        connection.auth_publickey(user, door.key(name))
    channel = connection.open_session()
    channel.settimeout(60)
    channel.exec_command("echo entered")
    print(channel.recv(100).decode(), end="")
    connection.close()


async def with_asyncssh(user, names):
    import asyncssh

    async with asyncssh.connect(
        "127.0.0.1",
        door.PORT,
        username=user,
        client_keys=[os.path.join(door.KEYS, name) for name in names],
        agent_path=None,
        known_hosts=os.environ["KNOWN_HOSTS"],
        config=None,
    ) as connection:
        answer = await connection.run("echo entered")
        print(answer.stdout, end="")


library, user, *names = sys.argv[1:]
if library == "paramiko":
    with_paramiko(user, names)
else:
    asyncio.run(with_asyncssh(user, names))
