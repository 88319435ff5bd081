//! Packets, written and read by hand: nothing of the code under test.

/// A packet of this type, with these fields behind it.
pub(super) fn packet(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let body: Vec<u8> = fields.concat();
    let length = u32::try_from(body.len() + 1).unwrap();
    [&length.to_be_bytes()[..], &[kind], &body].concat()
}

pub(super) fn n(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

pub(super) fn q(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

pub(super) fn s(string: impl AsRef<[u8]>) -> Vec<u8> {
    let string = string.as_ref();
    [&n(u32::try_from(string.len()).unwrap())[..], string].concat()
}

pub(super) fn init() -> Vec<u8> {
    packet(1, &[&n(3)])
}

pub(super) fn open(id: u32, path: impl AsRef<[u8]>, flags: u32) -> Vec<u8> {
    packet(3, &[&n(id), &s(path), &n(flags), &n(0)])
}

pub(super) fn close(id: u32, handle: impl AsRef<[u8]>) -> Vec<u8> {
    packet(4, &[&n(id), &s(handle)])
}

pub(super) fn read(id: u32, handle: impl AsRef<[u8]>, offset: u64, length: u32) -> Vec<u8> {
    packet(5, &[&n(id), &s(handle), &q(offset), &n(length)])
}

pub(super) fn write(id: u32, handle: impl AsRef<[u8]>, offset: u64, data: &[u8]) -> Vec<u8> {
    packet(6, &[&n(id), &s(handle), &q(offset), &s(data)])
}

/// A request of one path: 7 lstat, 11 opendir, 13 remove, 15 rmdir, 16 realpath, 17 stat, 19 readlink.
pub(super) fn one(kind: u8, id: u32, path: impl AsRef<[u8]>) -> Vec<u8> {
    packet(kind, &[&n(id), &s(path)])
}

/// A request of two paths: 18 rename, 20 symlink.
pub(super) fn two(kind: u8, id: u32, first: impl AsRef<[u8]>, second: impl AsRef<[u8]>) -> Vec<u8> {
    packet(kind, &[&n(id), &s(first), &s(second)])
}

/// A request of one path and permissions: 9 setstat, 14 mkdir.
pub(super) fn mode(kind: u8, id: u32, path: impl AsRef<[u8]>, mode: u32) -> Vec<u8> {
    packet(kind, &[&n(id), &s(path), &n(4), &n(mode)])
}

pub(super) fn extended(id: u32, name: &str, fields: &[&[u8]]) -> Vec<u8> {
    let head = [n(id).to_vec(), s(name)].concat();
    let all: Vec<&[u8]> = std::iter::once(head.as_slice())
        .chain(fields.iter().copied())
        .collect();
    packet(200, &all)
}

pub(super) fn status(id: u32, code: u32, words: &str) -> Vec<u8> {
    packet(101, &[&n(id), &n(code), &s(words), &s("")])
}

pub(super) fn handle(id: u32, handle: impl AsRef<[u8]>) -> Vec<u8> {
    packet(102, &[&n(id), &s(handle)])
}

pub(super) fn data(id: u32, data: impl AsRef<[u8]>) -> Vec<u8> {
    packet(103, &[&n(id), &s(data)])
}

pub(super) fn names(id: u32, names: &[&[u8]]) -> Vec<u8> {
    let mut fields = n(id).to_vec();
    fields.extend(n(u32::try_from(names.len()).unwrap()));
    for name in names {
        fields.extend([s(name), s(name), n(0).to_vec()].concat());
    }
    packet(104, &[&fields])
}

pub(super) fn version(extensions: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = n(3).to_vec();
    for (name, data) in extensions {
        fields.extend([s(name), s(data)].concat());
    }
    packet(2, &[&fields])
}

/// One packet taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) kind: u8,
    pub(super) id: u32,
    pub(super) rest: Vec<u8>,
}

impl Seen {
    pub(super) fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.rest[at..at + 4].try_into().unwrap())
    }

    /// The string that begins at this place, and where it ends.
    pub(super) fn string(&self, at: usize) -> (&[u8], usize) {
        let length = self.number(at) as usize;
        (&self.rest[at + 4..at + 4 + length], at + 4 + length)
    }

    /// The code of a status; none of another answer.
    pub(super) fn code(&self) -> Option<u32> {
        (self.kind == 101).then(|| self.number(0))
    }

    /// The words of a status.
    pub(super) fn words(&self) -> String {
        match self.kind {
            101 => String::from_utf8_lossy(self.string(4).0).into_owned(),
            _ => String::new(),
        }
    }
}

/// Takes packets apart, and says what is left.
pub(super) fn apart(mut bytes: &[u8]) -> (Vec<Seen>, &[u8]) {
    let mut seen = Vec::new();
    while bytes.len() >= 4 {
        let length = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
        if bytes.len() < 4 + length {
            break;
        }
        let body = &bytes[4..4 + length];
        seen.push(Seen {
            kind: body[0],
            id: u32::from_be_bytes(body[1..5].try_into().unwrap()),
            rest: body[5..].to_vec(),
        });
        bytes = &bytes[4 + length..];
    }
    (seen, bytes)
}
