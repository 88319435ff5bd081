//! The command line of an `scp` on the target, read as the shell of the account would read it, and written anew.
//!
//! Clients of the old protocol send `scp -t PATH` as an `exec`, which a shell takes apart: OpenSSH and PuTTY send the path as it was
//! typed, libraries quote it. Only forms that every shell reads alike are read here ([`super::line`]). Anything else (`$HOME`, `;`, `|`,
//! `{a,b}`, `~other`, options that scp does not have) is no `scp` but a command like any other, and judged as one.
//!
//! What is read here is not passed on: the line that is sent is written from what was read and where that leads, so that a
//! shell which reads some quotes otherwise copies another file than the technician meant, and never one that was not judged.

use super::line::{MOST_PATHS, Mark, literal, split};
pub use super::line::{Pattern, Place, Typed};

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// `-t`: to the target.
    To,
    /// `-f`: from the target.
    From,
}

/// One command line.
///
/// Invariant: one path at least; exactly one, and no pattern, where files go to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Which way.
    pub way: Way,
    /// `-r`: directories too.
    pub recursive: bool,
    /// `-p`: with times and modes.
    pub preserve: bool,
    /// `-d`: what it goes to must be a directory.
    pub directory: bool,
    /// `-v`, which makes it talk on standard error.
    verbose: bool,
    /// `-q`.
    quiet: bool,
    /// The program, as it was written.
    program: &'static str,
    /// What is asked for.
    pub paths: Vec<Typed>,
}

/// Programs that are taken for `scp`.
pub(crate) const PROGRAMS: [&str; 3] = ["scp", "/usr/bin/scp", "/bin/scp"];

impl Command {
    /// Reads a command line; none where it is a command like any other.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut words = split(line)?.into_iter();
        let program = literal(&words.next()?)?;
        let program = PROGRAMS
            .into_iter()
            .find(|known| known.as_bytes() == program)?;
        let (mut to, mut from) = (false, false);
        let mut command = Self {
            way: Way::To,
            recursive: false,
            preserve: false,
            directory: false,
            verbose: false,
            quiet: false,
            program,
            paths: Vec::new(),
        };
        let mut has_ended = false;
        for word in words {
            let is_option = matches!(word.first(), Some(Mark::Byte(b'-')));
            match literal(&word) {
                Some(word) if word == b"--" && !has_ended && command.paths.is_empty() => {
                    has_ended = true
                }
                // Some shells' `scp` read options behind paths too.
                _ if is_option && !has_ended && !command.paths.is_empty() => return None,
                Some(word) if is_option && !has_ended => {
                    for letter in word.get(1..).filter(|letters| !letters.is_empty())? {
                        match letter {
                            b'r' => command.recursive = true,
                            b'p' => command.preserve = true,
                            b'd' => command.directory = true,
                            b'v' => command.verbose = true,
                            b'q' => command.quiet = true,
                            b't' => to = true,
                            b'f' => from = true,
                            _ => return None,
                        }
                    }
                }
                None if is_option && !has_ended => return None,
                Some(_) | None => command.paths.push(Typed::read(&word)?),
            }
        }
        command.way = match (to, from) {
            (true, false) => Way::To,
            (false, true) => Way::From,
            (true, true) | (false, false) => return None,
        };
        let fits = match command.way {
            Way::To => matches!(command.paths.as_slice(), [Typed { pattern: None, .. }]),
            Way::From => (1..=MOST_PATHS).contains(&command.paths.len()),
        };
        fits.then_some(command)
    }

    /// The command line that the target is given: the same program and options, and these places. `is_directory` where what it
    /// writes to is one, so that it does not write to anything else. None where no shell is sure to read a path.
    #[must_use]
    pub fn run<'a>(
        &self,
        is_directory: bool,
        places: impl IntoIterator<Item = Place<'a>>,
    ) -> Option<Vec<u8>> {
        let mut line = self.program.as_bytes().to_vec();
        for (flag, is_set) in [
            (&b" -v"[..], self.verbose),
            (b" -q", self.quiet),
            (b" -r", self.recursive),
            (b" -p", self.preserve),
            (b" -d", self.way == Way::To && is_directory),
            (b" -t", self.way == Way::To),
            (b" -f", self.way == Way::From),
        ] {
            if is_set {
                line.extend_from_slice(flag);
            }
        }
        for place in places {
            line.push(b' ');
            place.write(&mut line)?;
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests;
