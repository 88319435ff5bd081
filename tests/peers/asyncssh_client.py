"""What a program built on asyncssh does: commands side by side on one connection, a signal, a terminal.

usage: asyncssh_client.py USER [signals|terms]
"""

import asyncio
import os
import sys

import asyncssh

import door


class Person(asyncssh.SSHClient):
    def kbdint_auth_requested(self):
        return ""

    def kbdint_challenge_received(self, name, instructions, lang, prompts):
        return [door.code() for _ in prompts]


async def terms(connection):
    """Signals and window changes that a command has none of, and that a shell has."""
    process = await connection.create_process(
        "trap 'echo usr1' USR1; trap 'echo term; exit 3' TERM; echo started; while :; do sleep 0.1; done"
    )
    assert await process.stdout.readline() == "started\n"
    process.send_signal("USR1")
    process.send_signal("KILL")
    process.change_terminal_size(100, 40)
    process.send_signal("TERM")
    ended = await asyncio.wait_for(process.wait(), 20)
    assert (ended.stdout, ended.exit_status) == ("term\n", 3), ended

    process = await connection.create_process()
    process.stdin.write("trap 'echo usr1; exit 5' USR1; echo started; while :; do sleep 0.1; done\n")
    assert await process.stdout.readline() == "started\n"
    process.send_signal("USR1")
    ended = await asyncio.wait_for(process.wait(), 20)
    assert (ended.stdout, ended.exit_status) == ("usr1\n", 5), ended


async def main(user, mode):
    keys = [os.path.join(door.KEYS, door.STATION), os.path.join(door.KEYS, door.PERSON)]
    async with asyncssh.connect(
        "127.0.0.1",
        door.PORT,
        username=user,
        client_keys=keys,
        agent_path=None,
        known_hosts=os.environ["KNOWN_HOSTS"],
        client_factory=Person,
        config=None,
    ) as connection:
        answers = await asyncio.gather(*(connection.run(f"echo {n}; echo e{n} >&2; exit {n}") for n in range(8)))
        for n, answer in enumerate(answers):
            assert (answer.stdout, answer.stderr, answer.exit_status) == (f"{n}\n", f"e{n}\n", n), answer

        if mode == "terms":
            return await terms(connection)
        if mode == "signals":
            process = await connection.create_process("echo started; exec sleep 1000")
            assert await process.stdout.readline() == "started\n"
            process.send_signal("TERM")
            ended = await asyncio.wait_for(process.wait(), 20)
            assert ended.exit_signal and ended.exit_signal[0] == "TERM", ended

        killed = await connection.run("kill -KILL $$")
        assert killed.exit_signal and killed.exit_signal[0] == "KILL", killed

        process = await connection.create_process(term_type="xterm", term_size=(88, 22))
        process.stdin.write("stty size; exit 4\n")
        ended = await asyncio.wait_for(process.wait(), 20)
        assert "22 88" in ended.stdout, ended.stdout
        assert ended.exit_status == 4, ended.exit_status
    print("ok")


asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
