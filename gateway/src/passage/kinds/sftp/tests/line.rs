//! A client, the interceptor and a server in memory, in one line.

use super::super::{Direction, Say, Sftp};

use super::packets::*;
use super::server::Server;
use super::{Done, give, lines};

/// A client, the interceptor and a server in memory.
pub(super) struct Line {
    pub(super) sftp: Sftp,
    pub(super) server: Server,
    pub(super) lines: Vec<ecluse_policy::capability::files::FileLine>,
    pub(super) to_technician: Vec<u8>,
    pub(super) done: Done,
}

impl Line {
    pub(super) fn new(allow: &[&str]) -> Self {
        let mut line = Self {
            sftp: Sftp::new(None, Say::default()),
            server: Server::default(),
            lines: lines(allow),
            to_technician: Vec::new(),
            done: Done::default(),
        };
        line.send(&init());
        line.to_technician.clear();
        line
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        let done = give(&mut self.sftp, &self.lines, Direction::ToTarget, bytes);
        self.carry(done);
    }

    pub(super) fn carry(&mut self, done: Done) {
        self.to_technician.extend(done.to_technician.concat());
        let to_target = done.to_target.concat();
        self.done.log.extend(done.log);
        self.done.passed.extend(done.passed);
        self.done.to_target.extend(done.to_target);
        self.done.stopped = self.done.stopped.or(done.stopped);
        for answer in self.server.read(&to_target) {
            let done = give(
                &mut self.sftp,
                &self.lines,
                Direction::ToTechnician,
                &answer,
            );
            self.carry(done);
        }
    }

    /// What the technician got since the last time.
    pub(super) fn got(&mut self) -> Vec<Seen> {
        let bytes = std::mem::take(&mut self.to_technician);
        let (seen, rest) = apart(&bytes);
        assert!(rest.is_empty());
        seen
    }

    pub(super) fn ask(&mut self, request: &[u8]) -> Seen {
        self.send(request);
        let mut got = self.got();
        assert_eq!(got.len(), 1, "{got:?}");
        got.remove(0)
    }

    pub(super) fn opened(&mut self, id: u32, path: &str, flags: u32) -> Vec<u8> {
        let seen = self.ask(&open(id, path, flags));
        assert_eq!(seen.kind, 102, "{seen:?}");
        seen.string(0).0.to_vec()
    }
}

pub(super) const ALL: &[&str] = &[
    "sftp-read: /x/**",
    "sftp-write: /x/**",
    "sftp-list: /x/**",
    "sftp-delete: /x/**",
    "sftp-rename: /x/**",
    "sftp-mkdir: /x/**",
];

/// One of each request, allowed.
pub(super) fn every_request(h: &[u8], d: &[u8]) -> Vec<Vec<u8>> {
    let x = "/x/a";
    vec![
        one(7, 100, x),
        one(17, 101, x),
        mode(9, 102, x, 0o600),
        packet(8, &[&n(103), &s(h)]),
        packet(10, &[&n(104), &s(h), &n(4), &n(0o600)]),
        packet(12, &[&n(105), &s(d)]),
        one(13, 106, x),
        mode(14, 107, x, 0o700),
        one(15, 108, x),
        one(16, 109, x),
        two(18, 110, x, "/x/b"),
        one(19, 111, x),
        two(20, 112, "a", "/x/b"),
        read(113, h, 4 << 30, 32_768),
        write(114, h, u64::from(u32::MAX) * 4, b"data"),
        extended(115, "posix-rename@openssh.com", &[&s(x), &s("/x/b")]),
        extended(116, "statvfs@openssh.com", &[&s(x)]),
        extended(117, "fstatvfs@openssh.com", &[&s(h)]),
        extended(118, "hardlink@openssh.com", &[&s(x), &s("/x/b")]),
        extended(119, "fsync@openssh.com", &[&s(h)]),
        extended(120, "lsetstat@openssh.com", &[&s(x), &n(4), &n(0o600)]),
        extended(121, "limits@openssh.com", &[]),
        extended(122, "copy-data", &[&s(h), &q(0), &q(0), &s(h), &q(9)]),
        extended(123, "users-groups-by-id@openssh.com", &[&s(n(0)), &s("")]),
        packet(8, &[&n(u32::MAX), &s(h)]),
    ]
}
