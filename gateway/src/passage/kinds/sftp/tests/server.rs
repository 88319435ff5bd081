//! A server in memory that does what it is asked, on a file system without links where every path is there: for tests of
//! the protocol alone. What it answers depends on what it is asked and nothing else.

use super::packets::*;

/// All extensions of OpenSSH, and two that nobody knows.
pub(super) const EXTENSIONS: &[(&str, &str)] = &[
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
    ("copy-data", "1"),
    ("home-directory", "1"),
    ("users-groups-by-id@openssh.com", "1"),
    ("check-file@openssh.com", "1"),
    ("vendor-id", "x"),
];

/// The server.
#[derive(Default)]
pub(super) struct Server {
    held: Vec<u8>,
    next: u32,
    /// Everything it was asked.
    pub(super) asked: Vec<Seen>,
}

impl Server {
    /// Answers what it is asked, packet by packet.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let (seen, rest) = apart(&held);
        self.held = rest.to_vec();
        let answers = seen.iter().map(|seen| self.answer(seen)).collect();
        self.asked.extend(seen);
        answers
    }

    fn answer(&mut self, asked: &Seen) -> Vec<u8> {
        let id = asked.id;
        match asked.kind {
            1 => version(EXTENSIONS),
            3 | 11 => {
                self.next += 1;
                handle(id, n(self.next))
            }
            5 => {
                let at = asked.string(0).1;
                let offset = u64::from_be_bytes(asked.rest[at..at + 8].try_into().unwrap());
                let length = asked.number(at + 8) as usize;
                match offset {
                    0..1_000_000 => data(id, vec![offset as u8; length.min(64)]),
                    _ => status(id, 1, "EOF"),
                }
            }
            7 | 8 | 17 => packet(105, &[&n(id), &n(5), &q(64), &n(0o100_644)]),
            12 => names(id, &[b".", b"..", b"caf\xe9"]),
            16 => {
                let (path, _) = asked.string(0);
                let path = match path {
                    b"/proc/net" => b"/proc/77/net".to_vec(),
                    b"." => b"/home/ops".to_vec(),
                    path if path.starts_with(b"/") => path.to_vec(),
                    path => [b"/home/ops/", path].concat(),
                };
                names(id, &[&path])
            }
            19 => status(id, 4, "Failure"),
            200 => {
                let name = asked.string(0).0;
                match name {
                    b"limits@openssh.com" => {
                        packet(201, &[&n(id), &q(262_144), &q(261_120), &q(0), &q(9_999)])
                    }
                    b"statvfs@openssh.com" | b"fstatvfs@openssh.com" => {
                        packet(201, &[&n(id), &[7; 88]])
                    }
                    b"users-groups-by-id@openssh.com" => packet(201, &[&n(id), &s("root"), &s("")]),
                    b"expand-path@openssh.com" => names(id, &[b"/home/ops/x"]),
                    b"home-directory" => names(id, &[b"/home/other"]),
                    _ => status(id, 0, ""),
                }
            }
            _ => status(id, 0, "Success"),
        }
    }
}
