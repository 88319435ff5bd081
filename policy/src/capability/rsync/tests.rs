//! Lines of real clients, lines that are refused, and what is written of any of them.

use std::process::Command as Process;

use super::*;
use crate::capability::files::TargetPath;
use proptest::prelude::*;

fn parse(line: &str) -> Option<Result<Command, Unfit>> {
    Command::parse(line.as_bytes())
}

fn one(line: &str) -> Command {
    let read = parse(line).unwrap_or_else(|| panic!("{line}: none"));
    read.unwrap_or_else(|why| panic!("{line}: {why}"))
}

fn path(text: &str) -> TargetPath {
    TargetPath::canonical(text.as_bytes()).unwrap()
}

fn run(command: &Command, text: &str, whole: bool) -> String {
    let path = path(text);
    let place = Place {
        path: &path,
        pattern: None,
    };
    String::from_utf8(command.run([(place, whole)]).unwrap()).unwrap()
}

#[test]
fn what_stock_clients_send_is_read() {
    for (client, line, way, path) in [
        (
            "3.1",
            "rsync --server -vlogDtpre.iLsfx . /srv/in/",
            Way::To,
            "/srv/in/",
        ),
        (
            "3.2",
            "rsync --server -vvlogDtprze.iLsfxCIvu --log-format=%i --delete . in",
            Way::To,
            "in",
        ),
        (
            "3.4",
            "rsync --server --sender -logDtpre.iLsfxCIvu . /srv/www",
            Way::From,
            "/srv/www",
        ),
        (
            "3.4",
            "rsync --server --sender -nlogDtpre.LsfxCIvu --timeout=30 --bwlimit=100 --compress-choice=zstd -B700 . \\~x",
            Way::From,
            "~x",
        ),
        (
            "3.5",
            "rsync --server -e.LsfxCIvu --stats --partial --inplace . ~/x",
            Way::To,
            "./x",
        ),
        (
            "openrsync",
            "rsync --server --sender -g -l -o -p -D -r -t . /srv/www/",
            Way::From,
            "/srv/www/",
        ),
        (
            "openrsync",
            "openrsync --server -r -t --delete . /srv/in",
            Way::To,
            "/srv/in",
        ),
    ] {
        let command = one(line);
        assert_eq!(command.way(), way, "{client}");
        let [typed] = command.paths() else {
            panic!("{client}")
        };
        assert_eq!(typed.shown(), path.as_bytes(), "{client}");
    }
    let many = one("rsync --server --sender -r . /a '/b c' /d/*.log");
    assert_eq!(many.paths().len(), 3);
    assert!(many.paths()[2].pattern.is_some());
}

/// F1: every option that reads or writes beside the paths of the line is refused by its name, in either spelling and either way.
#[test]
fn f1_an_option_that_is_not_known_to_keep_to_its_paths_is_refused_by_name() {
    for option in [
        "--config=/tmp/x",
        "--dparam=x=y",
        "--backup-dir",
        "--backup-dir=/etc",
        "--partial-dir=/etc",
        "--temp-dir",
        "--compare-dest",
        "--copy-dest=/etc",
        "--link-dest",
        "--log-file=/etc/x",
        "--log-file",
        "--files-from=-",
        "--files-from",
        "--from0",
        "--no-relative",
        "--no-implied-dirs",
        "--relative",
        "--copy-links",
        "--copy-unsafe-links",
        "--copy-dirlinks",
        "--keep-dirlinks",
        "--write-devices",
        "--copy-devices",
        "--super",
        "--fake-super",
        "--usermap=x",
        "--groupmap=x",
        "--chown=root",
        "--no-munge-links",
        "--insecure-links",
        "--only-write-batch=X",
        "--read-batch=x",
        "--rsync-path=x",
        "--exclude-from=/etc/shadow",
        "--password-file=/etc/shadow",
        "--mkpath",
        "--trust-sender",
        "--old-args",
        "--debug=ALL",
        "--suffix=/../x",
        "--suffix=../x",
        "--log-format=/x",
        "--timeout=x",
        "--an-option-of-tomorrow",
        "-L",
        "-k",
        "-K",
        "-R",
        "-logDtprLe.iLsfxCIvu",
        "-MP",
        "-f",
        "-T",
        "-e",
        "-essh",
        "-e.x/y",
        "-B",
        "-Bx",
        "-@x",
        "-0",
        "-P",
        "-a",
    ] {
        for way in ["", " --sender"] {
            let line = format!("rsync --server{way} -r {option} . /srv/in");
            let refused = parse(&line);
            assert!(
                matches!(refused, Some(Err(Unfit::Option(_)))),
                "{line}: {refused:?}"
            );
        }
    }
    let named = parse("rsync --server -logKe.x . /a").unwrap().unwrap_err();
    assert_eq!(named, Unfit::Option("-K".into()));
    for (line, why) in [
        ("rsync --server --daemon .", Unfit::Daemon),
        ("rsync --server -slogDtpre.iLsfxCIvu", Unfit::Secluded),
        ("rsync --server --secluded-args . /a", Unfit::Secluded),
        ("rsync --server -r . /a /b", Unfit::Form),
        ("rsync --server -r . /a*", Unfit::Form),
        ("rsync --server -r .", Unfit::Form),
        ("rsync --server -r /a .", Unfit::Form),
        ("rsync --server -r", Unfit::Form),
        ("rsync --server - . /a", Unfit::Form),
        ("rsync --server --sender -r . --daemon", Unfit::Form),
        ("rsync --server --sender -r . /*/a", Unfit::Form),
        ("rsync --server -r . ''", Unfit::Form),
    ] {
        assert_eq!(parse(line), Some(Err(why)), "{line}");
    }
}

/// What a shell would make more of than words is no rsync, so that no line of rsync ever starts it.
#[test]
fn f1_a_line_that_is_more_than_words_is_a_command_like_any_other() {
    for line in [
        "rsync --server . /srv/in; id",
        "rsync --server . /srv/in\nid",
        "rsync --server . $HOME",
        "rsync --server . `id`",
        "rsync --server . ~root/x",
        "rsync --server . a|b",
        "rsync --server . {a,b}",
        "rsync --daemon --server .",
        "rsync -a /a /b",
        "rsync",
        "sudo rsync --server . /a",
        "/tmp/rsync --server . /a",
        "A=b rsync --server . /a",
        "rsync =server . /a",
    ] {
        assert_eq!(parse(line), None, "{line}");
    }
}

#[test]
fn what_is_started_is_a_line_of_our_own() {
    let write = one("rsync --server -vlogDtpre.iLsfxCIvu --delete . 'typed path'");
    assert_eq!(
        run(&write, "/srv/in/a b", true),
        "rsync --server -vlogDtpre.iLsfxCIvu --delete --safe-links --no-devices . '/srv/in/a b'/"
    );
    assert_eq!(
        run(&one("rsync --server -tr --safe-links . x"), "/", true),
        "rsync --server -tr --safe-links . /"
    );
    let read = one("/usr/bin/rsync --server --sender -logDtpre.iLsfxCIvu . typed");
    assert_eq!(
        run(&read, "/srv/www", false),
        "/usr/bin/rsync --server --sender -logDtpre.iLsfxCIvu . /srv/www"
    );
    let (broken, whole) = (TargetPath::canonical(b"/a\nb").unwrap(), false);
    let place = Place {
        path: &broken,
        pattern: None,
    };
    assert_eq!(read.run([(place, whole)]), None);
    assert!(one("rsync --server --sender --remove-source-files -r . x").removes_what_it_reads());
    assert!(!one("rsync --server --remove-source-files -r . x").removes_what_it_reads());
    for beside in ["-b", "--backup", "--delay-updates", "--delete-after"] {
        assert!(one(&format!("rsync --server -t {beside} . x")).acts_beside());
    }
    assert!(!one("rsync --server -logDtpre.bLsfxCIvu . x").acts_beside());
}

/// Options that are real, that are not, and that nearly are.
fn option() -> impl Strategy<Value = String> {
    let known: Vec<String> = NAMES
        .iter()
        .map(|name| format!("--{name}"))
        .chain(NUMBERS.iter().map(|name| format!("--{name}=7")))
        .chain(WORDS.iter().map(|name| format!("--{name}=a.b")))
        .collect();
    prop_oneof![
        proptest::sample::select(known),
        "-[a-zA-Z@]{1,12}(e[0-9]{0,2}\\.[a-zA-Z]{0,9})?",
        "--[a-z-]{1,20}(=[ -~]{0,9})?",
        Just("--sender".to_owned()),
        "[ -~]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is read, what is started of it means the same: the same way, the same options and ours, the places that were judged.
    #[test]
    fn f1_what_is_started_reads_back_as_what_was_judged(
        options in proptest::collection::vec(option(), 0..6),
        typed in "[ -~é\n]{0,12}",
        place in "(/[ -~é]{1,6}){0,3}",
        whole in any::<bool>(),
    ) {
        let line = format!("rsync --server {} . {typed}", options.join(" "));
        let (Some(Ok(command)), Ok(place)) = (parse(&line), TargetPath::canonical(place.as_bytes())) else {
            return Ok(());
        };
        prop_assert!(command.options.iter().all(|one| passes(one).is_ok()));
        let at = Place { path: &place, pattern: None };
        let Some(started) = command.run([(at, whole)]) else { return Ok(()) };
        let again = Command::parse(&started).unwrap().unwrap();
        prop_assert_eq!(again.way(), command.way());
        let [path] = again.paths() else { panic!() };
        let wanted = match whole && !place.is_root() {
            true => [place.as_bytes(), b"/"].concat(),
            false => place.as_bytes().to_vec(),
        };
        prop_assert_eq!(&path.path, &wanted);
        prop_assert!(again.options.starts_with(&command.options));
        let ours = again.options.get(command.options.len()..).unwrap();
        prop_assert!(ours.iter().all(|one| one == b"--safe-links" || one == b"--no-devices"));
        if command.way() == Way::To && command.has_letter(b'l') {
            prop_assert!(again.has("--safe-links"));
        }
    }

    /// Whatever bytes come, reading them ends, and what it takes for rsync begins as rsync's does.
    #[test]
    fn f1_any_bytes_are_read(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mixed = [b"rsync --server ".as_slice(), &line].concat();
        for line in [line, mixed] {
            if let Some(Ok(command)) = Command::parse(&line) {
                prop_assert!(!command.paths().is_empty());
            }
        }
    }
}

/// A shell reads what is started as the words that were meant.
#[test]
fn a_shell_reads_what_is_started_as_it_is_meant() {
    let command = one("rsync --server -logDtpre.iLsfxCIvu --log-format=%i . x");
    let odd = "/srv/it's a \"test\" $(id) \\n !x é *?";
    let line = run(&command, odd, true);
    let script = format!("set -- {}; shift; printf '%s\\n' \"$@\"", line);
    for shell in ["sh", "bash"] {
        let told = Process::new(shell).args(["-c", &script]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let wanted = format!(
            "--server\n-logDtpre.iLsfxCIvu\n--log-format=%i\n--safe-links\n--no-devices\n.\n{odd}/\n"
        );
        assert_eq!(told, wanted, "{shell}");
    }
}
