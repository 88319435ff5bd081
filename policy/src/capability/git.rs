//! The command line of git's servers on the target, `git-upload-pack 'PATH'` and `git-receive-pack 'PATH'`, read and written anew.
//!
//! An exec of this form is git's where a flow has a line of git ([`super::transfer`]), and is never a command there. Everything that git's
//! client sends besides is refused: `git-upload-archive`, the options of servers over HTTP, another's `~`.

pub use super::line::Typed;
use super::line::{Mark, literal, quote, split};
pub use super::scp::Way;
use crate::capability::files::TargetPath;
use crate::name::shown;

/// The variable by which a client says which protocol it speaks.
pub const PROTOCOL_VARIABLE: &str = "GIT_PROTOCOL";
/// What it may say.
pub const PROTOCOLS: [&str; 3] = ["version=0", "version=1", "version=2"];

/// Longest `--timeout=`.
const LONGEST_OPTION: usize = 32;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Upload,
    Receive,
}

/// One command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    service: Service,
    /// `git-upload-pack`, or `git upload-pack`.
    in_one: bool,
    timeout: Option<Vec<u8>>,
    path: Typed,
}

/// Why a command line of git's is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// `git-upload-archive`.
    #[error("`git archive --remote` is not served; clone the repository, or fetch it")]
    Archive,
    /// An option that does not pass.
    #[error("git's option `{0}` does not pass; leave it out")]
    Option(String),
    /// No path, several, or a form that no client sends.
    #[error("this is no command line that git's client sends")]
    Form,
}

/// Programs that are taken for git's, and whether they are written in one word.
fn service(words: &[Vec<u8>]) -> Option<(Result<Service, Unfit>, bool, usize)> {
    let name = |text: &[u8]| match text {
        b"upload-pack" => Some(Ok(Service::Upload)),
        b"receive-pack" => Some(Ok(Service::Receive)),
        b"upload-archive" => Some(Err(Unfit::Archive)),
        _ => None,
    };
    let program = words.first()?;
    let program = program.strip_prefix(b"/usr/bin/").unwrap_or(program);
    if let Some(service) = program.strip_prefix(b"git-").and_then(name) {
        return Some((service, true, 1));
    }
    let second = words.get(1)?;
    (program == b"git")
        .then(|| name(second))?
        .map(|service| (service, false, 2))
}

impl Command {
    /// Reads a command line: none where it is a command like any other.
    ///
    /// # Errors
    /// In the answer: it is git's, and refused.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Result<Self, Unfit>> {
        let words = split(line)?;
        let plain: Vec<Vec<u8>> = words.iter().map_while(|word| literal(word)).collect();
        let (service, in_one, taken) = service(&plain)?;
        let rest = words.get(taken..).unwrap_or_default();
        Some(service.and_then(|service| Self::read(service, in_one, rest)))
    }

    fn read(service: Service, in_one: bool, words: &[Vec<Mark>]) -> Result<Self, Unfit> {
        let mut timeout = None;
        let mut path = None;
        for word in words {
            let word = literal(word).ok_or(Unfit::Form)?;
            let is_option = word.first() == Some(&b'-');
            match word.as_slice() {
                _ if path.is_some() => return Err(Unfit::Form),
                b"--strict" | b"--no-strict" if service == Service::Upload => {}
                option if is_timeout(option) && service == Service::Upload => {
                    timeout = Some(word);
                }
                option if is_option => {
                    let name = option.split(|byte| *byte == b'=').next();
                    let name = String::from_utf8_lossy(name.unwrap_or_default());
                    return Err(Unfit::Option(shown(&name)));
                }
                _ => path = Some(word),
            }
        }
        let path = path.and_then(from_home).ok_or(Unfit::Form)?;
        Ok(Self {
            service,
            in_one,
            timeout,
            path: Typed {
                path,
                pattern: None,
            },
        })
    }

    /// Which way what is in the repository goes.
    #[must_use]
    pub const fn way(&self) -> Way {
        match self.service {
            Service::Upload => Way::From,
            Service::Receive => Way::To,
        }
    }

    /// The repository, as it was typed.
    #[must_use]
    pub const fn path(&self) -> &Typed {
        &self.path
    }

    /// The command line that the target is given. None where no shell is sure to read the path.
    #[must_use]
    pub fn run(&self, path: &TargetPath) -> Option<Vec<u8>> {
        let mut line = match self.in_one {
            true => b"git-".to_vec(),
            false => b"git ".to_vec(),
        };
        match self.service {
            // Without it git would look beside the path too.
            Service::Upload => line.extend_from_slice(b"upload-pack --strict"),
            Service::Receive => line.extend_from_slice(b"receive-pack"),
        }
        if let Some(timeout) = &self.timeout {
            line.push(b' ');
            line.extend_from_slice(timeout);
        }
        line.push(b' ');
        quote(path.as_bytes(), &mut line)?;
        Some(line)
    }
}

fn is_timeout(option: &[u8]) -> bool {
    option.len() <= LONGEST_OPTION
        && option
            .strip_prefix(b"--timeout=")
            .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// A path from where the account starts, which git itself reads in quotes too; none of another's.
fn from_home(path: Vec<u8>) -> Option<Vec<u8>> {
    match path.as_slice() {
        [] => None,
        _ if path.contains(&0) => None,
        b"~" => Some(b".".to_vec()),
        [b'~', b'/', rest @ ..] => Some([b"./", rest].concat()),
        [b'~', ..] => None,
        _ => Some(path),
    }
}

#[cfg(test)]
mod tests;
