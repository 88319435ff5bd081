//! Finds out where a path leads, by asking the target.
//!
//! Most servers (OpenSSH's) answer `REALPATH` with a path without any link in it, also where its last name does not exist
//! yet. Some (Go's, chrooted ones with a library of their own) only tidy up its letters, and others fail where the last
//! name is missing. So a session asks once whether the server follows links ([`PROBE`]). Where it does not, or nobody can
//! tell, each step of the way is looked at with `LSTAT`, and each link on it is read and followed here. A last name that
//! is a link to nothing is followed too: an `OPEN` that creates would write there.
//!
//! What the target says is not believed further than this: a path that is not canonical is no answer. A target that
//! lies about its own links opens its own files.

use super::wire::{Attributes, status};
use ecluse_policy::capability::files::{LONGEST_PATH, TargetPath};

/// A link of every Linux, into the process that reads it: who follows links answers with another path, and who does so
/// reads names as Linux does. Cygwin has a `/proc` too, where this is none, and takes `\` for a `/`.
pub(in crate::passage::kinds) const PROBE: &[u8] = b"/proc/net";
/// Links that are followed for one path, as on Linux.
const MOST_LINKS: u8 = 40;
/// Names in a path that are looked at one by one; as many questions are on their way at once.
const MOST_STEPS: usize = 64;

/// Whether the last name of a path is followed where it is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::passage::kinds) enum Last {
    /// It is: what opens, reads attributes or sets them.
    Followed,
    /// It stands for itself: what removes, renames, makes.
    Kept,
}

/// What is asked of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::passage::kinds) enum Question {
    /// `REALPATH`.
    Realpath(Vec<u8>),
    /// `LSTAT`.
    Lstat(TargetPath),
    /// `READLINK`.
    Readlink(TargetPath),
}

/// What the target answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::passage::kinds) enum Heard<'a> {
    /// A path.
    Path(&'a [u8]),
    /// Attributes.
    Attributes(Attributes),
    /// None of these.
    Status(u32),
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::passage::kinds) enum Progress {
    /// These are to be asked, each answer to come back with its number.
    Ask(Vec<(usize, Question)>),
    /// More answers are to come.
    Wait,
    /// It is over.
    Over(Result<TargetPath, Lost>),
}

/// Why nobody knows where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::passage::kinds) enum Lost {
    /// The target says that it leads nowhere.
    Failed {
        /// The code of its status.
        code: u32,
        /// Where it would lead, as far as it exists and by its letters from there.
        near: Option<TargetPath>,
    },
    /// What the target says is no path.
    Unclear,
}

/// One path on its way to be canonical.
#[derive(Debug)]
pub(in crate::passage::kinds) struct Resolution {
    follows: bool,
    /// What is put behind the result as it stands.
    kept: Option<Vec<u8>>,
    links: u8,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// `REALPATH` of this was asked; behind it these names are missing, for this reason.
    Asked {
        path: Vec<u8>,
        missing: Vec<u8>,
        code: u32,
    },
    /// Each of these was looked at.
    Looked {
        path: TargetPath,
        steps: Vec<TargetPath>,
        seen: Vec<Option<Seen>>,
    },
    /// This link was read, behind which these bytes follow.
    Read { link: TargetPath, rest: Vec<u8> },
}

#[derive(Debug, Clone, Copy)]
enum Seen {
    Link,
    Other,
    Not(u32),
}

impl Resolution {
    /// Begins with what was typed. `follows` says whether the server follows links by itself; `asks` that it is asked even
    /// where that tells nothing.
    #[must_use]
    pub(in crate::passage::kinds) fn start(
        typed: &[u8],
        last: Last,
        follows: bool,
        asks: bool,
    ) -> (Self, Progress) {
        let mut resolution = Self {
            follows,
            kept: None,
            links: 0,
            stage: Stage::Asked {
                path: Vec::new(),
                missing: Vec::new(),
                code: 0,
            },
        };
        let mut path = typed.to_vec();
        if last == Last::Kept {
            // `dir/` is made, removed and renamed as `dir`.
            while path.len() > 1 && path.last() == Some(&b'/') {
                path.pop();
            }
            if let Some((parent, name)) = split(&path) {
                resolution.kept = Some(name);
                path = parent;
            }
        }
        if path.is_empty() {
            path.push(b'.');
        }
        let progress = resolution.go(path, asks);
        (resolution, progress)
    }

    fn go(&mut self, path: Vec<u8>, asks: bool) -> Progress {
        if path.len() > LONGEST_PATH || path.contains(&0) {
            return Progress::Over(Err(Lost::Unclear));
        }
        match TargetPath::canonical(&path) {
            // Letters are in order already: only the steps tell.
            Ok(path) if !self.follows && !asks => self.look(path, true),
            Ok(_) | Err(_) => self.ask(path, Vec::new(), 0),
        }
    }

    fn ask(&mut self, path: Vec<u8>, missing: Vec<u8>, code: u32) -> Progress {
        self.stage = Stage::Asked {
            path: path.clone(),
            missing,
            code,
        };
        Progress::Ask(vec![(0, Question::Realpath(path))])
    }

    /// Looks at every step, or at the last alone.
    fn look(&mut self, path: TargetPath, all: bool) -> Progress {
        let steps: Vec<TargetPath> = match all {
            true => path.steps().take(MOST_STEPS + 1).collect(),
            false => vec![path.clone()],
        };
        if steps.len() > MOST_STEPS {
            return Progress::Over(Err(Lost::Unclear));
        }
        if steps.is_empty() {
            return self.over(path);
        }
        let asked = steps
            .iter()
            .cloned()
            .map(Question::Lstat)
            .enumerate()
            .collect();
        let seen = vec![None; steps.len()];
        self.stage = Stage::Looked { path, steps, seen };
        Progress::Ask(asked)
    }

    fn over(&self, path: TargetPath) -> Progress {
        let end = match &self.kept {
            None => Ok(path),
            Some(name) => path.join(name).map_err(|_| Lost::Unclear),
        };
        // A server that follows links as Linux does reads names as Linux does.
        let end = end.and_then(|path| match self.follows || is_one_name_each(&path) {
            true => Ok(path),
            false => Err(Lost::Unclear),
        });
        Progress::Over(end)
    }

    /// Takes the answer to question `number`.
    #[must_use]
    pub(in crate::passage::kinds) fn heard(&mut self, number: usize, heard: Heard<'_>) -> Progress {
        match &mut self.stage {
            Stage::Asked {
                path,
                missing,
                code,
            } => {
                let (path, missing, code) = (path.clone(), std::mem::take(missing), *code);
                self.located(&path, &missing, code, heard)
            }
            Stage::Looked { path, steps, seen } => {
                if let Some(place) = seen.get_mut(number) {
                    *place = Some(match heard {
                        Heard::Attributes(attributes) if attributes.is_link() => Seen::Link,
                        // Nobody knows whether that is a link.
                        Heard::Attributes(attributes) if attributes.permissions.is_none() => {
                            Seen::Not(status::FAILURE)
                        }
                        Heard::Attributes(_) => Seen::Other,
                        Heard::Status(code) => Seen::Not(code),
                        Heard::Path(_) => Seen::Not(status::FAILURE),
                    });
                }
                let Some(seen) = seen.iter().copied().collect::<Option<Vec<Seen>>>() else {
                    return Progress::Wait;
                };
                let (path, steps) = (path.clone(), std::mem::take(steps));
                self.looked(path, &steps, &seen)
            }
            Stage::Read { link, rest } => {
                let (link, rest) = (link.clone(), std::mem::take(rest));
                self.read(&link, &rest, heard)
            }
        }
    }

    fn located(&mut self, path: &[u8], missing: &[u8], code: u32, heard: Heard<'_>) -> Progress {
        match heard {
            Heard::Path(bytes) => {
                let Ok(found) = TargetPath::canonical(bytes) else {
                    return Progress::Over(Err(Lost::Unclear));
                };
                if missing.is_empty() {
                    return match self.follows {
                        true => self.over(found),
                        false => self.look(found, true),
                    };
                }
                // One name that is missing may still be a link to nothing.
                if let Ok(whole) = found.join(missing) {
                    return self.look(whole, !self.follows);
                }
                self.lost(code, TargetPath::by_letters(&found, missing).ok())
            }
            Heard::Status(said) => {
                // The reason for the whole path is the one that counts.
                let code = if missing.is_empty() { said } else { code };
                match parent_and_name(path) {
                    Some((parent, name)) if said != status::PERMISSION_DENIED => {
                        let behind = match missing {
                            [] => name,
                            _ => [&name, &b"/"[..], missing].concat(),
                        };
                        self.ask(parent, behind, code)
                    }
                    Some(_) | None => self.lost(code, None),
                }
            }
            Heard::Attributes(_) => Progress::Over(Err(Lost::Unclear)),
        }
    }

    fn looked(&mut self, path: TargetPath, steps: &[TargetPath], seen: &[Seen]) -> Progress {
        for (step, seen) in steps.iter().zip(seen) {
            match seen {
                Seen::Other => {}
                Seen::Link => {
                    let rest = path.as_bytes().get(step.as_bytes().len()..);
                    self.stage = Stage::Read {
                        link: step.clone(),
                        rest: rest.unwrap_or_default().to_vec(),
                    };
                    return Progress::Ask(vec![(0, Question::Readlink(step.clone()))]);
                }
                Seen::Not(status::NO_SUCH_FILE) if *step == path => {}
                Seen::Not(code) => return self.lost(*code, Some(path)),
            }
        }
        self.over(path)
    }

    fn read(&mut self, link: &TargetPath, rest: &[u8], heard: Heard<'_>) -> Progress {
        let Heard::Path(to) = heard else {
            // It was a link a moment ago.
            return Progress::Over(Err(Lost::Unclear));
        };
        self.links += 1;
        if self.links > MOST_LINKS || to.is_empty() {
            return self.lost(status::FAILURE, None);
        }
        self.go([&points(link, to), rest].concat(), false)
    }

    fn lost(&self, code: u32, near: Option<TargetPath>) -> Progress {
        let near = match (&self.kept, near) {
            (Some(name), Some(near)) => near.join(name).ok(),
            (_, near) => near,
        };
        Progress::Over(Err(Lost::Failed { code, near }))
    }
}

/// Whether each component is one name, and the only one of its file, on Windows too: there `\` separates, `NAME~1` is a
/// second name, `:` begins a stream, and a dot or a space at the end is nothing.
fn is_one_name_each(path: &TargetPath) -> bool {
    let is_drive = |name: &[u8]| matches!(name, [letter, b':'] if letter.is_ascii_alphabetic());
    let has_drives = path.components().next().is_some_and(is_drive);
    let is_short = |name: &[u8]| {
        name.windows(2)
            .any(|pair| matches!(pair, [b'~', digit] if digit.is_ascii_digit()))
    };
    let is_plain = |name: &[u8]| {
        !name.contains(&b':') && !name.ends_with(b".") && !name.ends_with(b" ") && !is_short(name)
    };
    let skipped = usize::from(has_drives);
    path.components().all(|name| !name.contains(&b'\\'))
        && (!has_drives || path.components().skip(skipped).all(is_plain))
}

/// Where a link points, from the root on.
#[must_use]
pub(super) fn points(link: &TargetPath, to: &[u8]) -> Vec<u8> {
    match to.first() {
        Some(b'/') => to.to_vec(),
        _ => match link.parent() {
            Some(parent) if !parent.is_root() => [parent.as_bytes(), b"/", to].concat(),
            Some(_) | None => [b"/", to].concat(),
        },
    }
}

/// The directory of a path and its last name, where that is a name of its own.
fn split(path: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
        None => (&b"."[..], path),
        Some(0) => (&b"/"[..], path.get(1..)?),
        Some(slash) => (path.get(..slash)?, path.get(slash + 1..)?),
    };
    let is_name = !matches!(name, b"" | b"." | b"..");
    is_name.then(|| (parent.to_vec(), name.to_vec()))
}

/// The same of whatever stands last, dots too, so that one goes up step by step; none of what has no directory.
fn parent_and_name(path: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let end = path.iter().rposition(|byte| *byte != b'/')? + 1;
    let path = path.get(..end)?;
    match path.iter().rposition(|byte| *byte == b'/') {
        None if path == b"." => None,
        None => Some((b".".to_vec(), path.to_vec())),
        Some(0) => Some((b"/".to_vec(), path.get(1..)?.to_vec())),
        Some(slash) => Some((path.get(..slash)?.to_vec(), path.get(slash + 1..)?.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TargetPath {
        TargetPath::canonical(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_that_windows_reads_otherwise_are_told() {
        for good in [
            "/C:/Users/a b/x~y.log",
            "/C:",
            "/",
            "/srv/a:b./x~1 ",
            "/tmp/c:",
        ] {
            assert!(is_one_name_each(&path(good)), "{good}");
        }
        for bad in [
            "/C:/x/a\\..\\..\\Windows",
            "/srv/a\\b",
            "/C:/x/SECRET~1.LOG",
            "/C:/x/file:stream",
            "/C:/x/file.",
            "/c:/x/file ",
            "/C:/D:/x",
        ] {
            assert!(!is_one_name_each(&path(bad)), "{bad}");
        }
    }

    #[test]
    fn a_server_that_follows_no_links_is_not_given_what_it_may_read_otherwise() {
        let typed = b"/x/a\\..\\..\\etc";
        let (mut resolution, asked) = Resolution::start(typed, Last::Followed, false, false);
        let Progress::Ask(asked) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!(asked.len(), 2);
        let there = Heard::Attributes(Attributes {
            permissions: Some(0o100_644),
            ..Attributes::default()
        });
        assert_eq!(resolution.heard(0, there), Progress::Wait);
        assert_eq!(
            resolution.heard(1, there),
            Progress::Over(Err(Lost::Unclear))
        );
        // Whoever does not say what it is has not said that it is no link.
        let (mut resolution, _) = Resolution::start(b"/x", Last::Followed, false, false);
        let unknown = Heard::Attributes(Attributes::default());
        let end = resolution.heard(0, unknown);
        assert!(matches!(end, Progress::Over(Err(_))), "{end:?}");
        let (mut resolution, _) = Resolution::start(typed, Last::Followed, true, false);
        let end = resolution.heard(0, Heard::Path(typed));
        assert!(
            matches!(end, Progress::Over(Ok(_))),
            "a name as any other on Linux"
        );
    }

    #[test]
    fn the_name_that_is_kept_is_put_behind_where_its_directory_leads() {
        let (mut resolution, asked) = Resolution::start(b"dir/link//", Last::Kept, true, false);
        assert_eq!(
            asked,
            Progress::Ask(vec![(0, Question::Realpath(b"dir".to_vec()))])
        );
        let end = resolution.heard(0, Heard::Path(b"/srv/dir"));
        assert_eq!(end, Progress::Over(Ok(path("/srv/dir/link"))));
        for followed in [&b"dir/.."[..], b"dir/.", b"/", b"..", b""] {
            let (_, asked) = Resolution::start(followed, Last::Kept, true, false);
            let whole = if followed.is_empty() { b"." } else { followed };
            assert_eq!(
                asked,
                Progress::Ask(vec![(0, Question::Realpath(whole.to_vec()))])
            );
        }
    }
}
