//! Command lines against what a target tells of its places, and a channel that starts nothing.

use std::time::Instant;

use ecluse_policy::Refusal;
use ecluse_policy::capability::files::FileNeed;

use super::*;
use crate::passage::confirming::Wanted;
use crate::passage::kinds::files::Reads;
use crate::passage::kinds::scp;
use crate::passage::kinds::scp::lookup::Nature::{self, Directory, File, Nothing};
use crate::passage::kinds::sftp;
use crate::passage::kinds::{Kind, Step};

/// A target: what is asked for, where that leads, what is there.
const TREE: &[(&str, &str, Nature)] = &[
    ("/home/ops", "/home/ops", Directory),
    ("/srv", "/srv", Directory),
    ("/srv/www", "/srv/www", Directory),
    ("/srv/www/index", "/srv/www/index", File),
    ("/srv/link", "/etc", Directory),
    ("/srv/file-link", "/etc/shadow", File),
    ("/git/app.git", "/git/app.git", Directory),
    ("/git/site", "/git/site", Directory),
    ("/git/site/.git", "/git/site/.git", Directory),
    ("/git/away", "/git/away", Directory),
    ("/git/away/.git", "/etc", Directory),
    ("/git/told", "/git/told", Directory),
    ("/git/told/.git", "/git/told/.git", File),
    ("/git", "/git", Directory),
];

fn path(bytes: &[u8]) -> TargetPath {
    TargetPath::canonical(bytes).unwrap()
}

fn place(asked: &[u8]) -> Place {
    let asked = TargetPath::by_letters(&path(b"/home/ops"), asked).unwrap();
    let at = |place: &TargetPath| {
        TREE.iter()
            .find(|(at, _, _)| at.as_bytes() == place.as_bytes())
    };
    match (at(&asked), asked.parent().as_ref().and_then(at)) {
        (Some((_, leads, nature)), _) => Ok(Found {
            path: path(leads.as_bytes()),
            nature: *nature,
        }),
        (None, Some((_, _, Directory))) => Ok(Found {
            path: asked,
            nature: Nothing,
        }),
        (None, _) => Err(Lost::Nowhere(Some(asked))),
    }
}

/// What a command line needs, and what is started then.
fn judged(line: &str) -> (Vec<String>, Result<String, Words>) {
    let transfer = Transfer::parse(line.as_bytes()).unwrap();
    let plan = Plan::of(transfer).unwrap().unwrap();
    let places: Vec<Place> = plan.questions().iter().map(|asked| place(asked)).collect();
    let Judged { wanted, line } = plan.judged(&places);
    let needs = wanted.iter().flat_map(|one| one.request.needs());
    let line = line.map(|line| String::from_utf8(line.to_vec()).unwrap());
    (needs.map(|need| FileNeed::line(&need)).collect(), line)
}

#[test]
fn f1_each_command_line_needs_what_it_reaches_and_starts_no_more() {
    let read = "rsync --server --sender -lr .";
    let write = "rsync --server -lr --safe-links .";
    for (line, needs, started) in [
        (
            format!("{read} /srv/www"),
            "rsync-read: /srv/www/**",
            "/srv/www",
        ),
        (
            format!("{read} /srv/www/"),
            "rsync-read: /srv/www/**",
            "/srv/www/",
        ),
        (
            format!("{read} /srv/www/."),
            "rsync-read: /srv/www/**",
            "/srv/www/",
        ),
        (
            format!("{read} /srv/www/../www/index"),
            "rsync-read: /srv/www/index",
            "/srv/www/index",
        ),
        (
            format!("{read} /srv/www/*x"),
            "rsync-read: /srv/www/**",
            "/srv/www/*x",
        ),
        // A link is read as one; what it leads to is read where rsync would follow it.
        (
            format!("{read} /srv/link"),
            "rsync-read: /srv/link",
            "/srv/link",
        ),
        (format!("{read} /srv/link/"), "rsync-read: /etc/**", "/etc/"),
        (
            format!("{read} /srv/link/shadow"),
            "rsync-read: /etc/shadow",
            "/etc/shadow",
        ),
        (
            format!("{read} /srv/file-link"),
            "rsync-read: /srv/file-link",
            "/srv/file-link",
        ),
        (
            format!("{read} ."),
            "rsync-read: /home/ops/**",
            "/home/ops/",
        ),
        (format!("{write} /srv/link"), "rsync-write: /etc/**", "/etc"),
        (
            format!("{write} new"),
            "rsync-write: /home/ops/new/**",
            "/home/ops/new",
        ),
        (
            format!("{write} /srv/www/index"),
            "rsync-write: /srv/www/index",
            "/srv/www/index",
        ),
        (
            format!("{write} /srv/file-link"),
            "rsync-write: /etc/shadow",
            "/etc/shadow",
        ),
    ] {
        let (wanted, command) = judged(&line);
        assert_eq!(wanted, [needs], "{line}");
        let program = if needs.starts_with("rsync-read") {
            read
        } else {
            write
        };
        assert_eq!(command, Ok(format!("{program} {started}")), "{line}");
    }
    let (wanted, _) = judged("rsync --server -b . /srv/www/index");
    assert_eq!(wanted, ["rsync-write: /srv/www/**"]);
    let (wanted, _) = judged("rsync --server --sender --remove-source-files . /srv/www/index");
    assert_eq!(
        wanted,
        ["rsync-read: /srv/www/index", "rsync-write: /srv/www/index"]
    );
    // What is not listed is said before what is not there.
    let (wanted, command) = judged(&format!("{read} /none/at/all/"));
    assert_eq!(wanted, ["rsync-read: /none/at/all/**"]);
    assert_eq!(command, Err(Words::Nothing));
}

#[test]
fn f1_a_repository_is_where_git_would_find_it() {
    for (line, needs, started) in [
        (
            "git-upload-pack '/git/app.git'",
            "git-read: /git/app.git",
            Ok("git-upload-pack --strict /git/app.git"),
        ),
        (
            "git-upload-pack '/git/app'",
            "git-read: /git/app.git",
            Ok("git-upload-pack --strict /git/app.git"),
        ),
        (
            "git-upload-pack '/git/site/'",
            "git-read: /git/site git-read: /git/site",
            Ok("git-upload-pack --strict /git/site/.git"),
        ),
        (
            "git-receive-pack '/git/away'",
            "git-write: /etc git-write: /git/away",
            Ok("git-receive-pack /etc"),
        ),
        (
            "git-receive-pack '/git/told'",
            "git-write: /git/told",
            Err(Words::NoRepository),
        ),
        (
            "git-receive-pack '/git/none'",
            "git-write: /git/none",
            Err(Words::NoRepository),
        ),
    ] {
        let (wanted, command) = judged(line);
        assert_eq!(wanted.join(" "), needs, "{line}");
        assert_eq!(command, started.map(ToOwned::to_owned), "{line}");
    }
}

/// Reads everything as it is on record.
#[derive(Clone)]
struct Plain;

impl Reads for Plain {
    fn own(&self, words: sftp::Words) -> String {
        words.to_string()
    }

    fn copying(&self, words: scp::Words) -> String {
        words.to_string()
    }

    fn tree(&self, words: &Words) -> String {
        words.to_string()
    }

    fn refused(&self, _: &Refusal, operation: &Operation, need: &FileNeed) -> String {
        operation.missing_lines(need).join(" | ")
    }

    fn waits(&self, _: &Operation) -> Option<Wanted> {
        None
    }
}

/// F1: what cannot be judged asks the target nothing, takes nothing of the technician and starts nothing.
#[test]
fn f1_what_is_refused_by_its_options_asks_and_starts_nothing() {
    for line in [
        "rsync --server --daemon .",
        "rsync --server -L . /a",
        "git-upload-archive '/a'",
    ] {
        let transfer = Transfer::parse(line.as_bytes()).unwrap();
        let mut tree = Tree::new(transfer, line.as_bytes(), Plain);
        assert!(!tree.wants(ecluse_recordings::Direction::ToTarget));
        let mut out = Vec::new();
        #[allow(clippy::disallowed_methods, reason = "a test's clock")]
        let now = Instant::now();
        tree.begin(now, &mut |_| Ok(()), &mut out);
        tree.finish(now, &mut out);
        assert!(
            matches!(
                out.as_slice(),
                [
                    Step::Log(_),
                    Step::Refused { .. },
                    Step::End { words: Some(_), .. }
                ]
            ),
            "{line}: {out:?}"
        );
    }
}
