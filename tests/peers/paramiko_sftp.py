"""What a program built on paramiko does with files: everything asked for at once, and the words of refusals shown.

usage: paramiko_sftp.py USER FOLDER
"""

import hashlib
import io
import sys

import paramiko

from door import login


def refused(what, *words):
    try:
        what()
    except (IOError, paramiko.SFTPError) as error:
        said = str(error)
        assert all(word in said for word in words), said
        return
    raise AssertionError("it passed")


def main(user, folder):
    connection = login(user)
    sftp = paramiko.SFTPClient.from_transport(connection)
    inside = folder + "/in"
    got = io.BytesIO()
    # Asks for all of it before it reads any.
    sftp.getfo(inside + "/file", got)
    with open(inside + "/file", "rb") as file:
        here = file.read()
    assert got.getvalue() == here, len(got.getvalue())
    sftp.putfo(io.BytesIO(here), inside + "/by-paramiko")
    with sftp.open(inside + "/by-paramiko", "rb") as file:
        file.prefetch()
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(here).digest()
    assert sorted(sftp.listdir(inside)) == ["by-paramiko", "dir", "file", "link", "link-dir"]
    for path in ["/out/secret", "/in/link", "/in/link-dir/secret", "/in/../out/secret"]:
        refused(lambda: sftp.open(folder + path).read(), "not part of this intervention", "sftp-read: " + folder + path)
    refused(lambda: sftp.posix_rename(inside + "/file", folder + "/out/file"), "not part of this intervention")
    refused(lambda: sftp.symlink("../../out/secret", inside + "/dir/out"), "..")
    refused(lambda: sftp.open("/etc/passwd"), "sftp-read: /etc/passwd")
    sftp.close()
    connection.close()


main(*sys.argv[1:])
