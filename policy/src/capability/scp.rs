//! The command line of an `scp` on the target, read as the shell of the account would read it, and written anew.
//!
//! Clients of the old protocol send `scp -t PATH` as an `exec`, which a shell takes apart: OpenSSH and PuTTY send the path as it was
//! typed, libraries quote it. Only forms that every shell reads alike are read here: bytes that stand for themselves, `'…'`, `"…"`
//! without `$`, backquote, backslash and `!`, a backslash before punctuation, `~` and `~/` in front, and of patterns `*` and `?` in the last
//! name of a path that is read. Anything else (`$HOME`, `;`, `|`, `{a,b}`, `~other`, options that scp does not have) is no `scp` but a
//! command like any other, and judged as one.
//!
//! What is read here is not passed on: the line that is sent is written from what was read and where that leads, so that a
//! shell which reads some quotes otherwise copies another file than the technician meant, and never one that was not judged.

use crate::capability::files::TargetPath;

/// Longest command line, in bytes.
const LONGEST: usize = 16 << 10;
/// Most paths of one line.
const MOST_PATHS: usize = 64;

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

/// One path, as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The path, of a pattern that of its directory. Never empty.
    pub path: Vec<u8>,
    /// What the last name looks like, where it is a pattern.
    pub pattern: Option<Pattern>,
}

/// What names look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Mark>);

/// A part of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Byte(u8),
    /// `*`.
    Star,
    /// `?`.
    One,
}

/// What the target is given.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Where it leads.
    pub path: &'a TargetPath,
    /// What stands in that directory by such a name.
    pub pattern: Option<&'a Pattern>,
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
            // An absolute path is no option.
            quote(place.path.as_bytes(), &mut line)?;
            if let Some(pattern) = place.pattern {
                if !place.path.is_root() {
                    line.push(b'/');
                }
                pattern.write(&mut line)?;
            }
        }
        Some(line)
    }
}

impl Typed {
    fn read(word: &[Mark]) -> Option<Self> {
        let byte = |mark: &Mark| match mark {
            Mark::Byte(byte) => Some(*byte),
            Mark::Star | Mark::One => None,
        };
        let slash = word.iter().rposition(|mark| *mark == Mark::Byte(b'/'));
        let (directory, last) = word.split_at_checked(slash.map_or(0, |slash| slash + 1))?;
        let directory: Vec<u8> = directory.iter().map(byte).collect::<Option<_>>()?;
        let typed = |path: Vec<u8>, pattern| {
            (!path.is_empty() && !path.contains(&0)).then_some(Self { path, pattern })
        };
        match last.iter().map(byte).collect::<Option<Vec<u8>>>() {
            Some(last) => typed([directory, last].concat(), None),
            // `**` means more to some shells.
            None if last.windows(2).any(|pair| pair == [Mark::Star, Mark::Star]) => None,
            None if directory.is_empty() => typed(b".".to_vec(), Some(Pattern(last.to_vec()))),
            None => typed(directory, Some(Pattern(last.to_vec()))),
        }
    }

    /// The last name, of a path without a pattern; none of `.`, `..` and `/`.
    #[must_use]
    pub fn last_name(&self) -> Option<&[u8]> {
        let end = self.path.iter().rposition(|byte| *byte != b'/')? + 1;
        let path = self.path.get(..end)?;
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        (!matches!(name, b"" | b"." | b"..")).then_some(name)
    }

    /// As it was typed, for words.
    #[must_use]
    pub fn shown(&self) -> Vec<u8> {
        let Some(pattern) = &self.pattern else {
            return self.path.clone();
        };
        let mut shown = self.path.clone();
        if shown == b"." {
            shown.clear();
        }
        shown.extend(pattern.0.iter().map(|mark| match mark {
            Mark::Byte(byte) => *byte,
            Mark::Star => b'*',
            Mark::One => b'?',
        }));
        shown
    }
}

impl Pattern {
    /// Whether a shell would take `name` for it. A name that begins with a dot is taken only where the pattern says the dot.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        if name.first() == Some(&b'.') && self.0.first() != Some(&Mark::Byte(b'.')) {
            return false;
        }
        // Where in the pattern one may be, before each byte of the name; `?` is a byte or a character.
        let mut reached = vec![vec![false; self.0.len() + 1]; name.len() + 1];
        let mut reach = |at: usize, place: usize| {
            if let Some(state) = reached.get_mut(at).and_then(|row| row.get_mut(place)) {
                let was = std::mem::replace(state, true);
                return !was;
            }
            false
        };
        let mut todo = vec![(0, 0)];
        reach(0, 0);
        while let Some((at, place)) = todo.pop() {
            let mut go = |at: usize, place: usize| {
                if reach(at, place) {
                    todo.push((at, place));
                }
            };
            let rest = name.get(at..).unwrap_or_default();
            match self.0.get(place) {
                Some(Mark::Byte(byte)) if rest.first() == Some(byte) => go(at + 1, place + 1),
                Some(Mark::Star) => {
                    go(at, place + 1);
                    if !rest.is_empty() {
                        go(at + 1, place);
                    }
                }
                Some(Mark::One) if !rest.is_empty() => {
                    go(at + 1, place + 1);
                    let character = rest
                        .utf8_chunks()
                        .next()
                        .and_then(|chunk| chunk.valid().chars().next());
                    if let Some(character) = character {
                        go(at + character.len_utf8(), place + 1);
                    }
                }
                Some(_) | None => {}
            }
        }
        reached
            .last()
            .and_then(|row| row.last())
            .is_some_and(|end| *end)
    }

    fn write(&self, line: &mut Vec<u8>) -> Option<()> {
        for run in self
            .0
            .chunk_by(|one, two| matches!((one, two), (Mark::Byte(_), Mark::Byte(_))))
        {
            match run {
                [Mark::Star] => line.push(b'*'),
                [Mark::One] => line.push(b'?'),
                bytes => {
                    let bytes: Vec<u8> = bytes
                        .iter()
                        .filter_map(|mark| match mark {
                            Mark::Byte(byte) => Some(*byte),
                            Mark::Star | Mark::One => None,
                        })
                        .collect();
                    quote(&bytes, line)?;
                }
            }
        }
        Some(())
    }
}

/// Takes a line apart into words; none where some shell would see more in it than words.
fn split(line: &[u8]) -> Option<Vec<Vec<Mark>>> {
    if line.len() > LONGEST {
        return None;
    }
    let mut words: Vec<Vec<Mark>> = Vec::new();
    let mut word: Option<Vec<Mark>> = None;
    let mut rest = line.iter().copied();
    while let Some(byte) = rest.next() {
        if byte == b' ' {
            words.extend(word.take());
            continue;
        }
        let at_start = word.is_none();
        let marks = word.get_or_insert_default();
        match byte {
            b'*' => marks.push(Mark::Star),
            b'?' => marks.push(Mark::One),
            b'\'' => loop {
                match rest.next()? {
                    b'\'' => break,
                    // Of these one shell or another makes something within quotes too.
                    b'\n' | b'\r' | b'\\' | b'!' | 0 => return None,
                    other => marks.push(Mark::Byte(other)),
                }
            },
            b'"' => loop {
                match rest.next()? {
                    b'"' => break,
                    b'\n' | b'\r' | b'\\' | b'!' | b'$' | b'`' | 0 => return None,
                    other => marks.push(Mark::Byte(other)),
                }
            },
            b'\\' => match rest.next()? {
                meant if meant == b' ' || meant.is_ascii_punctuation() => {
                    marks.push(Mark::Byte(meant))
                }
                _ => return None,
            },
            // `~` and `~/x` are where the account starts, which is where the program starts.
            b'~' if at_start => match rest.clone().next() {
                None | Some(b' ') => marks.push(Mark::Byte(b'.')),
                Some(b'/') => marks.extend([Mark::Byte(b'.')]),
                Some(_) => return None,
            },
            plain if is_plain(plain) || plain >= 0x80 => marks.push(Mark::Byte(plain)),
            _ => return None,
        }
    }
    words.extend(word);
    Some(words)
}

/// Whether a byte stands for itself in every shell, wherever it stands.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'+' | b',' | b':' | b'@')
}

fn literal(word: &[Mark]) -> Option<Vec<u8>> {
    word.iter()
        .map(|mark| match mark {
            Mark::Byte(byte) => Some(*byte),
            Mark::Star | Mark::One => None,
        })
        .collect()
}

/// Writes bytes so that every shell reads them as they are: bare where they all stand for themselves, which `cmd.exe` and
/// PowerShell read too; else in single quotes, with the few that mean something there behind a backslash outside.
fn quote(bytes: &[u8], line: &mut Vec<u8>) -> Option<()> {
    if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return None;
    }
    if bytes.iter().all(|byte| is_plain(*byte)) {
        line.extend_from_slice(bytes);
        return Some(());
    }
    let needs_backslash = |byte: &u8| matches!(byte, b'\'' | b'\\' | b'!');
    for run in bytes.chunk_by(|one, two| needs_backslash(one) == needs_backslash(two)) {
        if run.first().is_some_and(needs_backslash) {
            run.iter()
                .for_each(|byte| line.extend_from_slice(&[b'\\', *byte]));
        } else {
            line.push(b'\'');
            line.extend_from_slice(run);
            line.push(b'\'');
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
