//! An SFTP server: one that does what it says, and one that says anything.

use crate::script::Script;
use crate::tree::{self, Node};

/// The server, and what it was asked and has not answered.
#[derive(Default)]
pub(crate) struct Target {
    /// The kind, the number and the rest of each request.
    asked: Vec<(u8, u32, Vec<u8>)>,
    next: u32,
}

impl Target {
    /// Takes a whole request.
    pub(crate) fn hears(&mut self, packet: &[u8]) {
        match packet[4] {
            1 => self.asked.push((1, 0, Vec::new())),
            kind => {
                let (id, fields) = packet[5..].split_first_chunk::<4>().unwrap();
                self.asked
                    .push((kind, u32::from_be_bytes(*id), fields.to_vec()));
            }
        }
    }

    /// The answer to the oldest, of a server that does what it says.
    pub(crate) fn answers(&mut self) -> Option<Vec<u8>> {
        if self.asked.is_empty() {
            return None;
        }
        let (kind, id, fields) = self.asked.remove(0);
        let path = string(&fields).unwrap_or_default();
        let at = |follows| tree::leads(path, follows);
        let stands = |follows| at(follows).and_then(|at| tree::node(&at));
        let attrs = |node: Option<Node>| {
            let mode = match node {
                None => return status(id, 2),
                Some(Node::Directory) => 0o040_755u32,
                Some(Node::File) => 0o100_644,
                Some(Node::Link(_)) => 0o120_777,
            };
            with_id(105, id, &[4u32.to_be_bytes(), mode.to_be_bytes()].concat())
        };
        Some(match kind {
            1 => version(),
            3 | 11 => {
                self.next += 1;
                with_id(102, id, &text(&self.next.to_be_bytes()))
            }
            5 => with_id(103, id, &text(b"some bytes of a file")),
            7 => attrs(stands(false)),
            17 => attrs(stands(true)),
            12 => names(id, &[b".", b"..", b"caf\xe9"]),
            16 => match at(true) {
                Some(path) => names(id, &[&path]),
                None => status(id, 2),
            },
            19 => match stands(false) {
                Some(Node::Link(to)) => names(id, &[to]),
                Some(_) | None => status(id, 4),
            },
            _ => status(id, 0),
        })
    }

    /// An answer to the oldest that waits for one, by its number, and anything else about it.
    pub(crate) fn lies(&mut self, script: &mut Script<'_>) -> Vec<u8> {
        let id = match self.asked.is_empty() {
            true => script.number() as u32,
            false => self.asked.remove(0).1,
        };
        match script.byte() % 8 {
            0 => status(id, script.byte().into()),
            1 => with_id(102, id, &text(script.bytes())),
            2 => with_id(103, id, &text(script.bytes())),
            3 => {
                let many = usize::from(script.byte() % 3);
                let paths: Vec<Vec<u8>> = (0..many).map(|_| script.path()).collect();
                let paths: Vec<&[u8]> = paths.iter().map(Vec::as_slice).collect();
                names(id, &paths)
            }
            4 => {
                let mode = script.among(&[0o040_755u32, 0o100_644, 0o120_777, 0]);
                let body = [4u32.to_be_bytes(), mode.to_be_bytes()].concat();
                with_id(105, id, &body)
            }
            5 => with_id(201, id, script.bytes()),
            6 => version(),
            _ => with_id(script.byte(), id, script.bytes()),
        }
    }
}

pub(crate) fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 1;
    [&length.to_be_bytes()[..], &[kind], body].concat()
}

pub(crate) fn with_id(kind: u8, id: u32, fields: &[u8]) -> Vec<u8> {
    packet(kind, &[&id.to_be_bytes()[..], fields].concat())
}

pub(crate) fn text(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn status(id: u32, code: u32) -> Vec<u8> {
    let fields = [&code.to_be_bytes()[..], &text(b"words"), &text(b"")].concat();
    with_id(101, id, &fields)
}

fn names(id: u32, names: &[&[u8]]) -> Vec<u8> {
    let mut fields = (names.len() as u32).to_be_bytes().to_vec();
    for name in names {
        fields.extend([text(name), text(name), 0u32.to_be_bytes().to_vec()].concat());
    }
    with_id(104, id, &fields)
}

fn version() -> Vec<u8> {
    let mut body = 3u32.to_be_bytes().to_vec();
    let extensions: &[(&[u8], &[u8])] = &[
        (b"posix-rename@openssh.com", b"1"),
        (b"statvfs@openssh.com", b"2"),
        (b"fstatvfs@openssh.com", b"2"),
        (b"hardlink@openssh.com", b"1"),
        (b"fsync@openssh.com", b"1"),
        (b"lsetstat@openssh.com", b"1"),
        (b"limits@openssh.com", b"1"),
        (b"expand-path@openssh.com", b"1"),
        (b"copy-data", b"1"),
        (b"home-directory", b"1"),
        (b"users-groups-by-id@openssh.com", b"1"),
    ];
    for (name, value) in extensions {
        body.extend([text(name), text(value)].concat());
    }
    packet(2, &body)
}

pub(crate) fn string(fields: &[u8]) -> Option<&[u8]> {
    let (length, rest) = fields.split_first_chunk::<4>()?;
    rest.get(..u32::from_be_bytes(*length) as usize)
}
