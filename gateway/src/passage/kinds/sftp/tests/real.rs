//! The interceptor before the real `sftp-server` of OpenSSH.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::super::{Direction, Say, Sftp};
use ecluse_policy::capability::files::FileLine;

use super::packets::*;
use super::{Done, give};

pub(super) const SERVER: &str = "/usr/lib/openssh/sftp-server";

/// How a server answers `REALPATH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Realpath {
    /// As OpenSSH does.
    Follows,
    /// By the letters of the path alone, as some do.
    Letters,
    /// As `realpath(3)` does: what is not there has no path.
    Strict,
}

impl Realpath {
    pub(super) const ALL: [Self; 3] = [Self::Follows, Self::Letters, Self::Strict];
}

/// A session, one request at a time or many.
pub(super) struct Session {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    sftp: Sftp,
    lines: Vec<FileLine>,
    realpath: Realpath,
    home: Vec<u8>,
    seen: Vec<Seen>,
    held: Vec<u8>,
    pub(super) done: Done,
}

impl Session {
    /// A session whose server starts in `home`.
    pub(super) fn start(home: &Path, lines: Vec<FileLine>, realpath: Realpath) -> Self {
        let mut child = Command::new(SERVER)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("install openssh-sftp-server");
        let mut session = Self {
            input: child.stdin.take(),
            output: child.stdout.take().unwrap(),
            child,
            sftp: Sftp::new(None, Say::default()),
            lines,
            realpath,
            home: home.as_os_str().as_encoded_bytes().to_vec(),
            seen: Vec::new(),
            held: Vec::new(),
            done: Done::default(),
        };
        session.send(&init());
        session.wait_for(1);
        session.seen.clear();
        session
    }

    /// Gives bytes of the client.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let done = give(&mut self.sftp, &self.lines, Direction::ToTarget, bytes);
        self.carry(done);
    }

    /// Sends one request and waits for its answer.
    pub(super) fn ask(&mut self, request: &[u8]) -> Seen {
        self.ask_all(&[request]).remove(0)
    }

    /// Sends requests at once and waits for the answers to all, in the order in which they came.
    pub(super) fn ask_all(&mut self, requests: &[&[u8]]) -> Vec<Seen> {
        self.seen.clear();
        self.send(&requests.concat());
        self.wait_for(requests.len());
        std::mem::take(&mut self.seen)
    }

    fn wait_for(&mut self, answers: usize) {
        while self.seen.len() < answers {
            assert_eq!(self.done.stopped, None);
            let mut length = [0; 4];
            self.output
                .read_exact(&mut length)
                .expect("the server answers");
            let mut rest = vec![0; u32::from_be_bytes(length) as usize];
            self.output.read_exact(&mut rest).unwrap();
            let packet = [&length[..], &rest].concat();
            self.target_says(&packet);
        }
    }

    fn target_says(&mut self, packet: &[u8]) {
        let done = give(&mut self.sftp, &self.lines, Direction::ToTechnician, packet);
        self.carry(done);
    }

    fn carry(&mut self, done: Done) {
        self.held.extend(done.to_technician.concat());
        let held = std::mem::take(&mut self.held);
        let (seen, rest) = apart(&held);
        self.held = rest.to_vec();
        self.seen.extend(seen);
        for packet in &done.to_target {
            let (asked, _) = apart(packet);
            let answer = match self.realpath {
                _ if asked[0].kind != 16 => None,
                Realpath::Follows => None,
                Realpath::Letters => Some(Some(by_letters(&self.home, asked[0].string(0).0))),
                Realpath::Strict => Some(strictly(&self.home, asked[0].string(0).0)),
            };
            if let Some(answer) = answer {
                let answer = match answer {
                    Some(path) => names(asked[0].id, &[&path]),
                    None => status(asked[0].id, 2, "No such file"),
                };
                self.target_says(&answer);
            } else if let Some(input) = &mut self.input {
                input.write_all(packet).unwrap();
            }
        }
        self.done.log.extend(done.log);
        self.done.passed.extend(done.passed);
        self.done.to_target.extend(done.to_target);
        self.done.stopped = self.done.stopped.or(done.stopped);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// What the strict one answers.
fn strictly(home: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let whole = match path.starts_with(b"/") {
        true => path.to_vec(),
        false => [home, b"/", path].concat(),
    };
    // The server's own process, not that of the test.
    if whole == b"/proc/net" {
        return Some(b"/proc/77/net".to_vec());
    }
    let found = std::fs::canonicalize(std::ffi::OsStr::from_bytes(&whole)).ok()?;
    Some(found.into_os_string().into_vec())
}

/// What the one answers that goes by letters.
fn by_letters(home: &[u8], path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let start: &[u8] = if path.starts_with(b"/") { b"" } else { home };
    for part in start
        .split(|b| *b == b'/')
        .chain(path.split(|b| *b == b'/'))
    {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    [&b"/"[..], &parts.join(&b'/')].concat()
}
