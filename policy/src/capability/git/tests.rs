//! Lines of real clients, and lines that are refused.

use super::*;
use proptest::prelude::*;

fn parse(line: &str) -> Option<Result<Command, Unfit>> {
    Command::parse(line.as_bytes())
}

fn run(line: &str) -> String {
    let path = TargetPath::canonical(b"/srv/git/a b.git").unwrap();
    let command = parse(line).unwrap().unwrap();
    String::from_utf8(command.run(&path).unwrap()).unwrap()
}

#[test]
fn what_git_s_client_sends_is_read_and_written_anew() {
    for (line, path, way, started) in [
        (
            "git-upload-pack '/srv/git/app.git'",
            "/srv/git/app.git",
            Way::From,
            "git-upload-pack --strict '/srv/git/a b.git'",
        ),
        (
            "git-upload-pack --strict --timeout=30 'x'",
            "x",
            Way::From,
            "git-upload-pack --strict --timeout=30 '/srv/git/a b.git'",
        ),
        (
            "git upload-pack '~/app'",
            "./app",
            Way::From,
            "git upload-pack --strict '/srv/git/a b.git'",
        ),
        (
            "git-receive-pack '/srv/it'\\''s'",
            "/srv/it's",
            Way::To,
            "git-receive-pack '/srv/git/a b.git'",
        ),
    ] {
        let command = parse(line).unwrap().unwrap();
        assert_eq!(command.path().shown(), path.as_bytes(), "{line}");
        assert_eq!(command.way(), way, "{line}");
        assert_eq!(run(line), started);
    }
}

/// F1: what is not fetching from or pushing to one repository is refused, and what is more than words is no git.
#[test]
fn f1_nothing_but_a_fetch_or_a_push_of_one_repository_passes() {
    let option = |name: &str| Some(Err(Unfit::Option(name.into())));
    for (line, answer) in [
        ("git-upload-archive '/x'", Some(Err(Unfit::Archive))),
        ("git upload-archive '/x'", Some(Err(Unfit::Archive))),
        (
            "git-upload-pack --stateless-rpc '/x'",
            option("--stateless-rpc"),
        ),
        (
            "git-upload-pack --advertise-refs '/x'",
            option("--advertise-refs"),
        ),
        ("git-receive-pack --timeout=1 '/x'", option("--timeout")),
        ("git-upload-pack --timeout=x '/x'", option("--timeout")),
        ("git-upload-pack '~root/x'", Some(Err(Unfit::Form))),
        ("git-upload-pack '/x' '/y'", Some(Err(Unfit::Form))),
        ("git-upload-pack ''", Some(Err(Unfit::Form))),
        ("git-upload-pack", Some(Err(Unfit::Form))),
        ("git-upload-pack /x*", Some(Err(Unfit::Form))),
        ("git-upload-pack '/x'; id", None),
        ("git-upload-pack $(id)", None),
        ("git-shell -c \"git-upload-pack '/x'\"", None),
        ("git status", None),
        ("git -c x=y upload-pack /x", None),
        ("sudo git-upload-pack /x", None),
    ] {
        assert_eq!(parse(line), answer, "{line}");
    }
}

proptest! {
    #[test]
    fn f1_what_is_started_reads_back_as_what_was_judged(
        program in "(git-|git )(upload|receive)-pack",
        typed in "[ -~é]{0,16}",
        place in "(/[ -~é]{1,6}){1,3}",
    ) {
        let line = format!("{program} {typed}");
        let (Some(Ok(command)), Ok(place)) = (parse(&line), TargetPath::canonical(place.as_bytes())) else {
            return Ok(());
        };
        let again = Command::parse(&command.run(&place).unwrap()).unwrap().unwrap();
        prop_assert_eq!(again.way(), command.way());
        prop_assert_eq!(again.path().shown(), place.as_bytes().to_vec());
    }
}
