//! Which repository a command line of git's is for, once it is known where its path leads.

use bytes::Bytes;
use ecluse_policy::FileRight::{GitRead, GitWrite};
use ecluse_policy::capability::files::TargetPath;
use ecluse_policy::capability::git::{Command, Way};

use super::{Judged, Place, Words, nowhere, operation};
use crate::passage::kinds::scp::lookup::{Found, Nature};

/// Where git looks for a repository that is asked for by a path: within a checked-out tree, at the path, and beside it.
const LOOKED_AT: [&[u8]; 4] = [b"/.git", b"", b".git/.git", b".git"];

pub(super) fn questions(command: &Command) -> Vec<Bytes> {
    let path = command.path().path.as_slice();
    // Of a path that ends with `/` git looks at the same names.
    let end = path.iter().rposition(|byte| *byte != b'/');
    let path = end.map_or(&b"/"[..], |end| path.get(..=end).unwrap_or(path));
    let at = |suffix: &&[u8]| Bytes::from([path, suffix].concat());
    LOOKED_AT.iter().map(at).collect()
}

/// All that git would take for the repository has to be given, and the first of them is what is started: git looks for them
/// in this order itself, and which it takes is then no matter of rights.
pub(super) fn judged(command: &Command, places: &[Place]) -> Judged {
    let right = match command.way() {
        Way::To => GitWrite,
        Way::From => GitRead,
    };
    let typed = command.path().shown();
    let mut wanted = Vec::new();
    let mut taken: Option<Result<TargetPath, Words>> = None;
    for (place, suffix) in places.iter().zip(LOOKED_AT) {
        let Ok(Found { path, nature }) = place else {
            continue;
        };
        match nature {
            Nature::Directory => {
                // A checked-out tree is named by its directory, unless its repository is kept elsewhere.
                let named = match (suffix.ends_with(b"/.git"), path.parent()) {
                    (true, Some(parent)) if path.components().next_back() == Some(b".git") => {
                        parent
                    }
                    _ => path.clone(),
                };
                wanted.push(operation(right, named, false, &typed));
                taken = taken.or(Some(Ok(path.clone())));
            }
            // A file that says where the repository is.
            Nature::File => taken = taken.or(Some(Err(Words::NoRepository))),
            Nature::Nothing => {}
        }
    }
    if wanted.is_empty() {
        let at = places.get(1).map(nowhere);
        let (near, words) = at.unwrap_or((None, Words::NoWay));
        let near = near.or_else(|| TargetPath::canonical(&typed).ok());
        wanted.extend(near.map(|near| operation(right, near, false, &typed)));
        let is_nothing = words == Words::Nothing;
        taken = taken.or(Some(Err(if is_nothing {
            Words::NoRepository
        } else {
            words
        })));
    }
    let line = taken.unwrap_or(Err(Words::NoRepository)).and_then(|path| {
        let line = command.run(&path).ok_or(Words::NoQuotes)?;
        Ok(Bytes::from(line))
    });
    Judged { wanted, line }
}
