//! A command line that every shell reads alike, taken apart into words, and words written so that every shell reads them as they are.
//!
//! Bytes that stand for themselves, `'…'`, `"…"` without `$`, backquote, backslash and `!`, a backslash before punctuation, `~` and
//! `~/` in front, and of patterns `*` and `?` in the last name of a path. A line with anything else (`$HOME`, `;`, `|`, `{a,b}`,
//! `~other`, a line break) is none: nobody can tell what the shell of an account makes of it.

use crate::capability::files::TargetPath;

/// Longest command line, in bytes.
const LONGEST: usize = 16 << 10;
/// Most paths of one line.
pub(super) const MOST_PATHS: usize = 64;

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
pub(super) enum Mark {
    /// What stands for itself.
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

impl Place<'_> {
    /// Writes it as one word; none where no shell is sure to read it.
    pub(super) fn write(&self, line: &mut Vec<u8>) -> Option<()> {
        // An absolute path is no option.
        quote(self.path.as_bytes(), line)?;
        if let Some(pattern) = self.pattern {
            if !self.path.is_root() {
                line.push(b'/');
            }
            pattern.write(line)?;
        }
        Some(())
    }
}

impl Typed {
    /// Reads a word; none where a pattern stands before its last name, or it is no path.
    pub(super) fn read(word: &[Mark]) -> Option<Self> {
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
pub(super) fn split(line: &[u8]) -> Option<Vec<Vec<Mark>>> {
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
            // In front they mean something to `zsh` and to old `fish`.
            within @ (b'=' | b'%') if !at_start => marks.push(Mark::Byte(within)),
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

/// A word without a pattern in it.
pub(super) fn literal(word: &[Mark]) -> Option<Vec<u8>> {
    word.iter()
        .map(|mark| match mark {
            Mark::Byte(byte) => Some(*byte),
            Mark::Star | Mark::One => None,
        })
        .collect()
}

/// Writes bytes so that every shell reads them as they are: bare where they all stand for themselves, which `cmd.exe` and
/// PowerShell read too; else in single quotes, with the few that mean something there behind a backslash outside.
pub(super) fn quote(bytes: &[u8], line: &mut Vec<u8>) -> Option<()> {
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
