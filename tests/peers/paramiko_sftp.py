"""What a program built on paramiko does with files: everything asked for at once, and the words of refusals shown.

usage: paramiko_sftp.py USER FOLDER
       paramiko_sftp.py USER FOLDER all-at-once
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


def all_at_once(user, folder):
    """Asks for all of a file before it reads any of it; what comes is what the file holds."""
    connection = login(user)
    sftp = paramiko.SFTPClient.from_transport(connection)
    digest = hashlib.sha256()
    with sftp.open(folder + "/in/file", "rb") as file:
        file.prefetch(sftp.stat(folder + "/in/file").st_size, max_concurrent_requests=None)
        while part := file.read(1 << 20):
            digest.update(part)
    with open(folder + "/in/file", "rb") as file:
        assert digest.digest() == hashlib.sha256(file.read()).digest()
    connection.close()


def main(user, folder, what=None):
    if what:
        return all_at_once(user, folder)
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
