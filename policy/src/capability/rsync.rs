//! The command line of an rsync server on the target, `rsync --server [--sender] OPTIONS . PATH…`, read and written anew.
//!
//! An exec of this form is rsync's where a flow has a line of rsync ([`super::transfer`]), and is never a command there. It is read
//! as every shell reads it ([`super::line`]). Of its options those pass that keep to the paths behind them; every other is refused
//! by its name, whatever it is: an option that a later rsync invents is not let through by its age. So is `-s`, with which the rest of the
//! line would come in the stream, where no shell and no gateway reads it.
//!
//! | refused | because it |
//! |---|---|
//! | `--daemon`, `--config`, `--dparam` | starts another server, with modules of its own |
//! | `-s` (`--secluded-args`) | sends paths and options where they are not read |
//! | `-L`, `-k`, `--copy-unsafe-links` | reads through links that lead out of the tree |
//! | `-K` (`--keep-dirlinks`) | writes through them |
//! | `-R`, `--files-from`, `--no-implied-dirs` | reads or writes names beside the paths of the line |
//! | `--backup-dir`, `--partial-dir`, `--temp-dir`, `--compare-dest`, `--copy-dest`, `--link-dest` | reads or writes in a directory that is named |
//! | `--log-file`, `--only-write-batch` | writes files of its own |
//! | `--write-devices`, `--copy-devices`, `--super`, `--fake-super`, `--usermap`, `--groupmap`, `--chown` | does what only an administrator may |
//! | `--no-munge-links`, `--insecure-links`, `--rsync-path` and whatever else there is | is not known to keep to its paths |
//!
//! Two options of ours are added to what is written ([`Command::run`]): `--safe-links` where links are written, so that none is made that leads out
//! of what is copied, and `--no-devices`, so that no device is made.

pub use super::line::Typed;
use super::line::{MOST_PATHS, Mark, literal, split};
pub use super::scp::{Place, Way};
use crate::name::shown;

/// Programs that are taken for rsync's.
pub(crate) const PROGRAMS: [&str; 5] = [
    "rsync",
    "/usr/bin/rsync",
    "/bin/rsync",
    "/usr/local/bin/rsync",
    "openrsync",
];
/// Longest option.
const LONGEST_OPTION: usize = 256;
/// Most options of one line.
const MOST_OPTIONS: usize = 64;

/// Letters that pass in a cluster: none of them names a place, follows a link or is an administrator's.
const LETTERS: &[u8] = b"vqbunldmOJyWHogDtUNpEAXrcCIxSz";

/// Options of a name alone that pass.
const NAMES: &[&str] = &[
    "append",
    "backup",
    "delay-updates",
    "delete",
    "delete-after",
    "delete-before",
    "delete-delay",
    "delete-during",
    "delete-excluded",
    "delete-missing-args",
    "existing",
    "force",
    "fsync",
    "ignore-errors",
    "ignore-existing",
    "ignore-missing-args",
    "ignore-non-existing",
    "inplace",
    "list-only",
    "msgs2stderr",
    "new-compress",
    "no-W",
    "no-devices",
    "no-dirs",
    "no-msgs2stderr",
    "no-r",
    "no-specials",
    "numeric-ids",
    "old-compress",
    "open-noatime",
    "partial",
    "preallocate",
    "remove-sent-files",
    "remove-source-files",
    "safe-links",
    "size-only",
    "specials",
    "stats",
    "use-qsort",
];

/// Options with a number.
const NUMBERS: &[&str] = &[
    "bwlimit",
    "checksum-seed",
    "compress-level",
    "max-delete",
    "modify-window",
    "timeout",
];

/// Options with a word that is no path.
const WORDS: &[&str] = &[
    "checksum-choice",
    "compress-choice",
    "iconv",
    "info",
    "max-alloc",
    "max-size",
    "min-size",
    "skip-compress",
    "suffix",
];

/// What a client asks of the other side's listing, as stock clients send it.
const FORMATS: &[&[u8]] = &[b"%i", b"%i%I", b"%o", b"X"];

/// One command line.
///
/// Invariant: one path at least; exactly one, and no pattern, where files go to the target. Every option is one that passes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    way: Way,
    program: &'static str,
    options: Vec<Vec<u8>>,
    paths: Vec<Typed>,
}

/// Why a command line of rsync's is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// `--daemon`.
    #[error("rsync's daemon and its modules (`HOST::MODULE`) are not served; write HOST:/PATH")]
    Daemon,
    /// `-s`.
    #[error(
        "`-s` (`--secluded-args`, RSYNC_PROTECT_ARGS) sends paths where they cannot be looked up; leave it out, or write `--no-s`"
    )]
    Secluded,
    /// An option that does not pass.
    #[error(
        "rsync's option `{0}` does not pass: it is not known to keep to the paths of the line; leave it out"
    )]
    Option(String),
    /// No path, too many, a pattern where files go to, or a form that no client sends.
    #[error("this is no command line that rsync's client sends")]
    Form,
}

impl Command {
    /// Reads a command line: none where it is a command like any other.
    ///
    /// # Errors
    /// In the answer: it is rsync's, and refused.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Result<Self, Unfit>> {
        let words = split(line)?;
        let (program, rest) = words.split_first()?;
        let program = literal(program)?;
        let program = PROGRAMS
            .into_iter()
            .find(|known| known.as_bytes() == program)?;
        let (server, rest) = rest.split_first()?;
        (literal(server)? == b"--server").then(|| Self::read(program, rest))
    }

    fn read(program: &'static str, words: &[Vec<Mark>]) -> Result<Self, Unfit> {
        let mut command = Self {
            way: Way::To,
            program,
            options: Vec::new(),
            paths: Vec::new(),
        };
        let mut words = words.iter();
        loop {
            let word = words.next().ok_or(Unfit::Form)?;
            let word = literal(word).ok_or(Unfit::Form)?;
            match word.as_slice() {
                b"." => break,
                b"--sender" => command.way = Way::From,
                b"--daemon" => return Err(Unfit::Daemon),
                option => {
                    passes(option)?;
                    command.options.push(word);
                }
            }
        }
        for word in words {
            // A client writes `./-x`: rsync would read an option.
            if matches!(word.first(), Some(Mark::Byte(b'-'))) {
                return Err(Unfit::Form);
            }
            command.paths.push(Typed::read(word).ok_or(Unfit::Form)?);
        }
        let fits = match command.way {
            Way::To => matches!(command.paths.as_slice(), [Typed { pattern: None, .. }]),
            Way::From => (1..=MOST_PATHS).contains(&command.paths.len()),
        };
        if fits && command.options.len() <= MOST_OPTIONS {
            Ok(command)
        } else {
            Err(Unfit::Form)
        }
    }

    /// Which way files go.
    #[must_use]
    pub const fn way(&self) -> Way {
        self.way
    }

    /// What is asked for.
    #[must_use]
    pub fn paths(&self) -> &[Typed] {
        &self.paths
    }

    /// Whether what is read is removed once it has passed.
    #[must_use]
    pub fn removes_what_it_reads(&self) -> bool {
        self.way == Way::From
            && (self.has("--remove-source-files") || self.has("--remove-sent-files"))
    }

    /// Whether a file that is written leaves others beside it, or takes some away.
    #[must_use]
    pub fn acts_beside(&self) -> bool {
        self.has_letter(b'b')
            || self.has("--backup")
            || self.has("--delay-updates")
            || self.options.iter().any(|one| one.starts_with(b"--delete"))
    }

    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option.as_bytes())
    }

    fn has_letter(&self, letter: u8) -> bool {
        self.options
            .iter()
            .filter(|one| !one.starts_with(b"--"))
            .any(|one| letters(one).contains(&letter))
    }

    /// The command line that the target is given: the same program and options, those of ours, and these places; `whole` where a directory
    /// is meant by what it holds (`/srv/www/`). None where no shell is sure to read a path.
    #[must_use]
    pub fn run<'a>(&self, places: impl IntoIterator<Item = (Place<'a>, bool)>) -> Option<Vec<u8>> {
        let mut line = self.program.as_bytes().to_vec();
        line.extend_from_slice(b" --server");
        if self.way == Way::From {
            line.extend_from_slice(b" --sender");
        }
        for option in &self.options {
            line.push(b' ');
            line.extend_from_slice(option);
        }
        if self.way == Way::To {
            for (forced, letter) in [("--safe-links", b'l'), ("--no-devices", b'D')] {
                if self.has_letter(letter) && !self.has(forced) {
                    line.push(b' ');
                    line.extend_from_slice(forced.as_bytes());
                }
            }
        }
        line.extend_from_slice(b" .");
        for (place, whole) in places {
            line.push(b' ');
            place.write(&mut line)?;
            if whole && !place.path.is_root() {
                line.push(b'/');
            }
        }
        Some(line)
    }
}

/// The letters of a cluster, without what the client says of itself behind `e`.
fn letters(cluster: &[u8]) -> &[u8] {
    let end = cluster.iter().position(|byte| *byte == b'e');
    cluster
        .get(1..end.unwrap_or(cluster.len()))
        .unwrap_or_default()
}

/// Whether an option passes.
fn passes(option: &[u8]) -> Result<(), Unfit> {
    let refused = |option: &[u8]| Unfit::Option(shown(&String::from_utf8_lossy(option)));
    if option.len() > LONGEST_OPTION || !option.is_ascii() {
        return Err(refused(option));
    }
    if let Some(long) = option.strip_prefix(b"--") {
        let (name, value) = match long.iter().position(|byte| *byte == b'=') {
            Some(place) => (long.get(..place), long.get(place + 1..)),
            None => (Some(long), None),
        };
        let name = name.unwrap_or_default();
        let is_in = |list: &[&str]| list.iter().any(|one| one.as_bytes() == name);
        let fits = match value {
            None => is_in(NAMES),
            Some(value) if is_in(NUMBERS) => is_number(value),
            Some(value) if is_in(WORDS) => is_word(value),
            Some(value) => name == b"log-format" && FORMATS.contains(&value),
        };
        return if fits {
            Ok(())
        } else if name == b"secluded-args" || name == b"protect-args" {
            Err(Unfit::Secluded)
        } else {
            // By its name: what it would say is a stranger's.
            Err(refused(&[b"--", name].concat()))
        };
    }
    let cluster = option.strip_prefix(b"-").ok_or(Unfit::Form)?;
    if cluster.is_empty() {
        return Err(Unfit::Form);
    }
    for (place, letter) in cluster.iter().enumerate() {
        let rest = cluster.get(place + 1..).unwrap_or_default();
        match letter {
            b'e' if says_what_it_can(rest) => return Ok(()),
            b'B' | b'@' if is_number(rest) => return Ok(()),
            b's' => return Err(Unfit::Secluded),
            known if LETTERS.contains(known) => {}
            other => return Err(refused(&[b'-', *other])),
        }
    }
    Ok(())
}

/// What a client says of itself behind `e`: `31.14iLsfxCIvu`, `.LsfxCIvu`.
fn says_what_it_can(text: &[u8]) -> bool {
    let mut rest = text;
    while let [b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    let Some(after) = rest.strip_prefix(b".") else {
        return false;
    };
    let mut rest = after;
    while let [b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    rest.iter().all(u8::is_ascii_alphabetic)
}

fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    (1..=20).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// A word that is no path, and that every shell reads as it is.
fn is_word(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._,:+-".contains(byte);
    !text.is_empty() && text.iter().all(plain) && !text.starts_with(b"..")
}

#[cfg(test)]
mod tests;
