//! The lines of the protocol, read and written exactly.
//!
//! A source says `T…` (times), `C0644 SIZE NAME`, `D0755 0 NAME`, `E`, or `\x01` and `\x02` with words. A sink says `\0`, or words
//! likewise. There is no paper about it; what is read here is what OpenSSH's `scp` writes, and nothing that its sink would read
//! otherwise than another's: no leading zeros, four digits of a mode, no line that is longer than somebody's buffer and would go on
//! as the beginning of a file.

use bytes::{Bytes, BytesMut};
use ecluse_policy::capability::files::shown_bytes;

use super::words::Fault;

/// Longest line, its end not counted: OpenSSH's and Dropbear's sinks have buffers of 2,048, and cut what is longer.
pub(crate) const LONGEST_LINE: usize = 2_000;
/// What is said to a yes.
pub(crate) const YES: &[u8] = b"\0";

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    /// The times of what follows: the whole line.
    Times(Bytes),
    /// A file or a directory.
    Entry(Entry),
    /// The directory is over.
    End,
    /// Something failed; it goes on. The words, without their first byte and their end.
    Warning(Bytes),
    /// Something failed, and nothing follows.
    Fatal(Bytes),
}

/// One file or directory, as it is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `C` or `D`.
    pub(crate) is_directory: bool,
    /// Permissions, with the bits for set-user-id and the like.
    pub(crate) mode: u16,
    /// **Unit**: bytes. Of a directory it means nothing.
    pub(crate) size: u64,
    /// One component.
    pub(crate) name: Bytes,
}

/// What a sink says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Go on.
    Yes,
    /// Not this one. The words.
    No(Bytes),
    /// Nothing any more.
    Fatal(Bytes),
}

impl Entry {
    /// Its line, under this name.
    #[must_use]
    pub(crate) fn line(&self, name: &[u8]) -> Bytes {
        let letter = if self.is_directory { 'D' } else { 'C' };
        let mut line = format!("{letter}{:04o} {} ", self.mode, self.size).into_bytes();
        line.extend_from_slice(name);
        line.push(b'\n');
        line.into()
    }
}

impl Control {
    /// The next line, if it is here whole.
    ///
    /// # Errors
    /// A [`Fault`] as soon as it is known to be none.
    pub(crate) fn take(held: &mut BytesMut) -> Result<Option<Self>, Fault> {
        let Some(line) = take_line(held)? else {
            return Ok(None);
        };
        let wrong = || Fault::Line(shown_bytes(&line));
        let (first, rest) = line.split_first().ok_or_else(wrong)?;
        let rest = line.slice_ref(rest);
        match first {
            1 => Ok(Some(Self::Warning(rest))),
            2 => Ok(Some(Self::Fatal(rest))),
            b'E' if rest.is_empty() => Ok(Some(Self::End)),
            b'T' => {
                are_times(&rest).ok_or_else(wrong)?;
                Ok(Some(Self::Times([&line[..], b"\n"].concat().into())))
            }
            b'C' | b'D' => {
                let (mode, size, name) = entry(&rest).ok_or_else(wrong)?;
                if matches!(&name[..], b"" | b"." | b"..")
                    || name.contains(&b'/')
                    || name.contains(&0)
                {
                    return Err(Fault::Name(shown_bytes(&name)));
                }
                let is_directory = *first == b'D';
                Ok(Some(Self::Entry(Entry {
                    is_directory,
                    mode,
                    size,
                    name,
                })))
            }
            _ => Err(wrong()),
        }
    }
}

impl Reply {
    /// The next answer, if it is here whole.
    ///
    /// # Errors
    /// A [`Fault`] as soon as it is known to be none.
    pub(crate) fn take(held: &mut BytesMut) -> Result<Option<Self>, Fault> {
        match held.first() {
            None => Ok(None),
            Some(0) => {
                let _ = held.split_to(1);
                Ok(Some(Self::Yes))
            }
            Some(1 | 2) => Ok(take_line(held)?.map(|line| {
                let words = line.slice(1..);
                if line.first() == Some(&1) {
                    Self::No(words)
                } else {
                    Self::Fatal(words)
                }
            })),
            Some(_) => Err(Fault::Reply),
        }
    }

    /// Its bytes.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn bytes(&self) -> Bytes {
        match self {
            Self::Yes => Bytes::from_static(YES),
            Self::No(words) => worded(1, words),
            Self::Fatal(words) => worded(2, words),
        }
    }
}

/// Words behind their first byte, and their end.
#[must_use]
pub(crate) fn worded(first: u8, words: &[u8]) -> Bytes {
    [&[first], words, b"\n"].concat().into()
}

/// One line without its end.
fn take_line(held: &mut BytesMut) -> Result<Option<Bytes>, Fault> {
    let end = held
        .iter()
        .take(LONGEST_LINE + 1)
        .position(|byte| *byte == b'\n');
    match end {
        Some(end) => {
            let line = held.split_to(end).freeze();
            let _ = held.split_to(1);
            Ok(Some(line))
        }
        None if held.len() > LONGEST_LINE => Err(Fault::LongLine),
        None => Ok(None),
    }
}

/// `0644 12 name`.
fn entry(rest: &Bytes) -> Option<(u16, u64, Bytes)> {
    let (mode, rest_of) = rest.split_at_checked(4)?;
    let is_octal = mode.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let mode = u16::from_str_radix(std::str::from_utf8(mode).ok().filter(|_| is_octal)?, 8).ok()?;
    let rest_of = rest_of.strip_prefix(b" ")?;
    let space = rest_of.iter().position(|byte| *byte == b' ')?;
    let (size, name) = rest_of.split_at_checked(space)?;
    let size = number(size).filter(|size| i64::try_from(*size).is_ok())?;
    Some((mode, size, rest.slice_ref(name.get(1..)?)))
}

/// `1700000000 0 1700000000 0`.
fn are_times(rest: &[u8]) -> Option<()> {
    let mut fields = rest.split(|byte| *byte == b' ');
    let mut next = || fields.next().and_then(number);
    for _ in 0..2 {
        next().filter(|seconds| i64::try_from(*seconds).is_ok())?;
        next().filter(|micros| *micros <= 999_999)?;
    }
    fields.next().is_none().then_some(())
}

/// Decimal digits alone, no zero before others.
fn number(digits: &[u8]) -> Option<u64> {
    let is_one = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_short = digits.len() == 1 || digits.first() != Some(&b'0');
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_one && is_short)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn take(line: &[u8]) -> Result<Option<Control>, Fault> {
        Control::take(&mut BytesMut::from(line))
    }

    #[test]
    fn the_lines_of_real_clients_are_read() {
        let Ok(Some(Control::Entry(entry))) = take(b"C0644 12 caf\xe9 x\n") else {
            panic!()
        };
        assert_eq!(
            (entry.mode, entry.size, &entry.name[..]),
            (0o644, 12, &b"caf\xe9 x"[..])
        );
        assert_eq!(entry.line(&entry.name), &b"C0644 12 caf\xe9 x\n"[..]);
        assert!(matches!(
            take(b"D4755 0 d\n"),
            Ok(Some(Control::Entry(Entry {
                is_directory: true,
                mode: 0o4755,
                ..
            })))
        ));
        assert_eq!(
            take(b"T1700000000 0 1 999999\n"),
            Ok(Some(Control::Times(Bytes::from_static(
                b"T1700000000 0 1 999999\n"
            ))))
        );
        assert_eq!(take(b"E\n"), Ok(Some(Control::End)));
        assert_eq!(
            take(b"\x01scp: no\n"),
            Ok(Some(Control::Warning(Bytes::from_static(b"scp: no"))))
        );
        assert_eq!(take(b"C0644 12 na"), Ok(None));
    }

    #[test]
    fn cve_2018_20685_and_its_kin_are_no_names() {
        for name in ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b"] {
            let line = format!("D0755 0 {name}\n");
            assert!(
                matches!(take(line.as_bytes()), Err(Fault::Name(_))),
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_two_sinks_would_read_differently_is_no_line() {
        for line in [
            "\n",
            "X\n",
            "E \n",
            "C644 1 x\n",
            "C00644 1 x\n",
            "C0888 1 x\n",
            "C0644 01 x\n",
            "C0644 +1 x\n",
            "C0644 -1 x\n",
            "C0644  1 x\n",
            "C0644 1\n",
            "C0644 9223372036854775808 x\n",
            "C0644 0x1 x\n",
            "C 644 1 x\n",
            "T1 0 1\n",
            "T1 0 1 0 \n",
            "T1 1000000 1 0\n",
            "T-1 0 1 0\n",
            "bash: scp: not found\n",
        ] {
            assert!(
                matches!(take(line.as_bytes()), Err(Fault::Line(_))),
                "{line:?}"
            );
        }
        let long = [&b"C0644 1 "[..], &[b'a'; LONGEST_LINE]].concat();
        assert_eq!(take(&long), Err(Fault::LongLine));
        assert_eq!(take(&[&long[..], b"\n"].concat()), Err(Fault::LongLine));
        assert_eq!(
            Reply::take(&mut BytesMut::from(&b"x"[..])),
            Err(Fault::Reply)
        );
        assert_eq!(
            Reply::take(&mut BytesMut::from(&long[..])),
            Err(Fault::Reply)
        );
    }

    proptest! {
        /// Whatever comes: it is read or told, what was read writes back to the same bytes, and nothing is eaten twice.
        #[test]
        fn any_bytes_are_lines_or_faults(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'C'), Just(b'0'), Just(1u8), Just(b'/'), any::<u8>()], 0..200)) {
            let mut held = BytesMut::from(&bytes[..]);
            let mut written = Vec::new();
            while let Ok(Some(control)) = Control::take(&mut held) {
                written.extend(match control {
                    Control::Times(line) => line,
                    Control::Entry(entry) => entry.line(&entry.name),
                    Control::End => Bytes::from_static(b"E\n"),
                    Control::Warning(words) => worded(1, &words),
                    Control::Fatal(words) => worded(2, &words),
                });
            }
            prop_assert!(bytes.starts_with(&written));
        }

        #[test]
        fn any_entry_reads_back(is_directory: bool, mode in 0u16..0o10000, size in 0u64..=i64::MAX as u64, name in "[^/\n\0]{1,60}") {
            prop_assume!(name != "." && name != "..");
            let entry = Entry { is_directory, mode, size, name: name.clone().into_bytes().into() };
            prop_assert_eq!(take(&entry.line(name.as_bytes())), Ok(Some(Control::Entry(entry))));
        }

        #[test]
        fn any_bytes_are_answers_or_faults(bytes in proptest::collection::vec(prop_oneof![Just(0u8), Just(1u8), Just(2u8), Just(b'\n'), any::<u8>()], 0..200)) {
            let mut held = BytesMut::from(&bytes[..]);
            let mut written = Vec::new();
            while let Ok(Some(reply)) = Reply::take(&mut held) {
                written.extend(reply.bytes());
            }
            prop_assert!(bytes.starts_with(&written));
        }
    }
}
