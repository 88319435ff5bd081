//! What a command line of rsync's reads or writes, once it is known where its paths lead.

use bytes::Bytes;
use ecluse_policy::FileRight::{RsyncRead, RsyncWrite};
use ecluse_policy::capability::files::TargetPath;
use ecluse_policy::capability::rsync::{Command, Place as At, Typed, Way};

use super::{Judged, Place, Words, nowhere, operation};
use crate::passage::kinds::scp::lookup::{Found, Nature};

/// How many questions a path takes.
const EACH: usize = 2;

/// What a path means to rsync.
enum Means<'t> {
    /// What a directory holds, or what files are written to: links are followed.
    Through,
    /// Something by this name in the directory before it: a link is no more than a link.
    Name(&'t [u8]),
    /// What a pattern finds in the directory.
    Pattern,
}

/// What it means, and the path of the directory before a name.
fn means(typed: &Typed, way: Way) -> (Means<'_>, &[u8]) {
    let path = typed.path.as_slice();
    if typed.pattern.is_some() {
        return (Means::Pattern, path);
    }
    let slash = path.iter().rposition(|byte| *byte == b'/');
    let (directory, name) = path.split_at(slash.map_or(0, |slash| slash + 1));
    match name {
        _ if way == Way::To => (Means::Through, path),
        b"" | b"." | b".." => (Means::Through, path),
        name if directory.is_empty() => (Means::Name(name), b"."),
        name => (Means::Name(name), directory),
    }
}

/// Two of each path: the directory before it, and where it leads itself.
pub(super) fn questions(command: &Command) -> Vec<Bytes> {
    let both = |typed: &Typed| {
        let (_, before) = means(typed, command.way());
        [before, typed.path.as_slice()].map(Bytes::copy_from_slice)
    };
    command.paths().iter().flat_map(both).collect()
}

/// One path, where it leads.
struct Root {
    path: TargetPath,
    /// Everything below it is meant too.
    below: bool,
    /// What has to be given instead, where it is more than that.
    around: Option<TargetPath>,
}

pub(super) fn judged(command: &Command, places: &[Place]) -> Judged {
    let right = match command.way() {
        Way::To => RsyncWrite,
        Way::From => RsyncRead,
    };
    let (mut wanted, mut at, mut because) = (Vec::new(), Vec::new(), None);
    for (typed, places) in command.paths().iter().zip(places.chunks(EACH)) {
        let shown = typed.shown();
        let [before, itself] = places else { continue };
        match root(command, typed, before, itself) {
            Ok(root) => {
                let (path, below) = match &root.around {
                    Some(around) => (around, true),
                    None => (&root.path, root.below),
                };
                let judge = |right| operation(right, path.clone(), below, &typed.path);
                wanted.push(judge(right));
                if command.removes_what_it_reads() {
                    wanted.push(judge(RsyncWrite));
                }
                at.push((typed, root.path));
            }
            Err((near, words)) => {
                wanted.extend(near.map(|near| operation(right, near, true, &shown)));
                because = because.or(Some(words));
            }
        }
    }
    let line = || {
        let places = at.iter().map(|(typed, path)| {
            let at = At {
                path,
                pattern: typed.pattern.as_ref(),
            };
            // To rsync a directory is what it holds where its name ends so.
            let whole = typed.pattern.is_none()
                && match command.way() {
                    Way::From => matches!(means(typed, Way::From).0, Means::Through),
                    Way::To => typed.path.ends_with(b"/"),
                };
            (at, whole)
        });
        command.run(places).map(Bytes::from).ok_or(Words::NoQuotes)
    };
    Judged {
        wanted,
        line: because.map_or_else(line, Err),
    }
}

/// Where a path leads; where it would and why it does not.
fn root(
    command: &Command,
    typed: &Typed,
    before: &Place,
    itself: &Place,
) -> Result<Root, (Option<TargetPath>, Words)> {
    let whole = |path: &TargetPath| Root {
        path: path.clone(),
        below: true,
        around: None,
    };
    match (means(typed, command.way()).0, before, itself) {
        (Means::Pattern, Ok(Found { path, nature }), _) if *nature == Nature::Directory => {
            Ok(whole(path))
        }
        (Means::Name(name), Ok(Found { path, nature }), itself) if *nature == Nature::Directory => {
            let path = path.join(name).map_err(|_| (None, Words::NoWay))?;
            // Of a link it is the link that is read.
            let below = matches!(itself, Ok(found) if found.nature == Nature::Directory && found.path == path);
            Ok(Root {
                path,
                below,
                around: None,
            })
        }
        (Means::Through, _, Ok(Found { path, nature })) => match (command.way(), nature) {
            (Way::To, Nature::File) if command.acts_beside() => Ok(Root {
                path: path.clone(),
                below: false,
                around: path.parent(),
            }),
            (_, Nature::File) => Ok(Root {
                path: path.clone(),
                below: false,
                around: None,
            }),
            (_, Nature::Directory) | (Way::To, Nature::Nothing) => Ok(whole(path)),
            (Way::From, Nature::Nothing) => Err(nowhere(itself)),
        },
        (Means::Through, _, Err(_)) => Err(nowhere(itself)),
        (Means::Pattern | Means::Name(_), _, _) => Err(nowhere(before)),
    }
}
