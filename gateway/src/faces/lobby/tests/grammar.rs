//! Command lines: what they ask for, and what is said of one that is wrong. The same act is the same as a body.

use clap::{Arg, Command};
use proptest::prelude::*;
use serde_json::json;

use ecluse_policy::{ClientId, Lang, Role};

use super::super::commands::COMMANDS;
use super::super::grammar::{asks_for_help, parse};
use super::super::words::{Misuse, split};
use crate::deeds::Ask;
use crate::deeds::answers::{Approve, Refuse};
use crate::deeds::evidence::recordings::Recordings;
use crate::deeds::evidence::replay::Replay;
use crate::deeds::evidence::watch::Watch;
use crate::deeds::hands::{Hold, Resume};
use crate::deeds::live::Cut;
use crate::deeds::requests::{Cancel, Request};
use crate::deeds::search::Search;
use crate::deeds::typed::What;

fn of<A: Ask>(line: &str) -> Result<A, Misuse> {
    parse(&split(line))
}

fn body<A: Ask>(body: serde_json::Value) -> A {
    serde_json::from_value(body).unwrap()
}

/// One definition: a line and a body of the same act are the same.
#[test]
fn a_line_and_a_body_say_the_same() {
    let line = "db01,DB02 --account postgres --only shell,command --for 1h30 --bytes 200MiB --at 14:00 --reason l'état --- de -x db01";
    let said = json!({
        "target": ["db01", "db02"],
        "account": "postgres",
        "only": ["shell", "command"],
        "for": "1h30m",
        "bytes": "200 MiB",
        "at": "14:00",
        "reason": "l'état --- de -x db01",
    });
    assert_eq!(of::<Request>(line), Ok(body(said)));
    let line = "#17 --for 90min --bytes 50Mio --only \"shell, command\" --target db01 --target web01 --account ops,postgres";
    let said = json!({
        "id": 17,
        "for": "1h30m",
        "bytes": "50 MiB",
        "only": ["shell", "command"],
        "target": ["db01", "web01"],
        "account": ["ops", "postgres"],
    });
    assert_eq!(of::<Approve>(line), Ok(body(said)));
}

/// The local shell removes the quotes that the technician typed.
#[test]
fn a_reason_without_its_quotes_runs_to_the_next_option() {
    let asked = of::<Request>("db01 --reason l'imprimante ne -- répond plus --for 2h").unwrap();
    assert_eq!(asked.reason, "l'imprimante ne -- répond plus");
    assert_eq!(asked.length.to_string(), "2h");
    // What is no option is none of the reason either: more would be asked for than was meant.
    let mistyped = of::<Request>("db01 --for 1h --reason check --onyl shell");
    assert_eq!(mistyped, Err(Misuse::UnknownOption("--onyl".to_owned())));
    let no = of::<Refuse>("3 --reason=\"not --today\" or ever 3").unwrap();
    assert_eq!(no.reason.as_deref(), Some("not --today or ever 3"));
}

/// I5: nothing that is said with a cut holds it up.
#[test]
fn a_reason_holds_up_no_cut() {
    for (line, reason) in [
        ("all --reason", None),
        ("all --reason \"\"", None),
        ("all --reason=", None),
        ("all --reason a --reason b", Some("a --reason b")),
        ("all --reason see --help", Some("see --help")),
        ("all --reason -h", Some("-h")),
        ("all --reason -- x", Some("-- x")),
    ] {
        let words = split(line);
        assert!(!asks_for_help(&words), "{line}");
        let cut = parse::<Cut>(&words).unwrap();
        assert_eq!(
            (cut.what.as_str(), cut.reason.as_deref()),
            ("all", reason),
            "{line}"
        );
    }
    assert!(asks_for_help(&split("all --help")));
    assert!(asks_for_help(&split("-h")));
    assert!(!asks_for_help(&split("all -- --help")));
}

/// I5: what an act is about may stand behind its reason, with the quotes that the local shell removes or without.
#[test]
fn what_an_act_is_about_may_stand_behind_its_reason() {
    for (line, what, reason) in [
        ("--reason=x all", "all", Some("x")),
        (
            "--reason=\"this is enough\" all",
            "all",
            Some("this is enough"),
        ),
        ("--reason=this is enough all", "all", Some("this is enough")),
        ("--reason this is enough 3", "3", Some("this is enough")),
        ("--reason all", "all", None),
        (
            "all --reason=this is for all",
            "all",
            Some("this is for all"),
        ),
    ] {
        let cut = of::<Cut>(line).unwrap();
        assert_eq!(
            (cut.what.as_str(), cut.reason.as_deref()),
            (what, reason),
            "{line}"
        );
    }
    let no = of::<Refuse>("--reason=pas aujourd'hui 3").unwrap();
    assert_eq!(
        (no.id.0, no.reason.as_deref()),
        (3, Some("pas aujourd'hui"))
    );
    let asked = of::<Request>("--reason=panne db01,web01 --for 2h").unwrap();
    assert_eq!((asked.target.len(), asked.reason.as_str()), (2, "panne"));
    let asked = of::<Request>("--reason=panne db01 --for 2h web01").unwrap();
    assert_eq!(
        (asked.target.len(), asked.reason.as_str()),
        (1, "panne db01")
    );
    let replay = of::<Replay>("--find=rm -rf 3").unwrap();
    assert_eq!(replay, of("3 --find=\"rm -rf\"").unwrap());
    for (line, wrong) in [
        ("--reason=x", "usage-no-id"),
        ("--reason not today 3", "usage-no-id"),
    ] {
        assert_eq!(of::<Refuse>(line), Err(Misuse::Missing(wrong)), "{line}");
    }
    assert_eq!(
        of::<Cut>("--reason="),
        Err(Misuse::Missing("usage-no-sessions"))
    );
    // What takes names and `all` asks for no number alone.
    let wanted = Misuse::Missing("usage-no-sessions");
    assert_eq!(of::<Cut>(""), Err(wanted.clone()));
    assert_eq!(of::<Hold>(""), Err(wanted.clone()));
    assert_eq!(of::<Resume>(""), Err(wanted));
}

#[test]
fn what_is_wrong_is_named() {
    let unclear = |what: What, typed: &str| Misuse::Unclear(what.unclear(typed));
    let option = |name: &str| Misuse::UnknownOption(name.to_owned());
    for (line, wrong) in [
        ("1 --unmask", option("--unmask")),
        ("1 --unmask=yes", option("--unmask")),
        ("1 --for --only shell", Misuse::NoValue("--for".to_owned())),
        ("1 --for \"  \"", Misuse::NoValue("--for".to_owned())),
        ("1 --only ,", Misuse::NoValue("--only".to_owned())),
        ("1 --for 1h --for 2h", Misuse::Twice("--for".to_owned())),
        ("1 2", Misuse::TooManyWords("2".to_owned())),
        ("1 -x", Misuse::TooManyWords("-x".to_owned())),
        ("--for 1h", Misuse::Missing("usage-no-id")),
        ("seventeen", unclear(What::Number, "seventeen")),
        ("1 --for soon", unclear(What::Length, "soon")),
        ("1 --bytes 50MB", unclear(What::Size, "50MB")),
        ("1 --only shell,sftp", unclear(What::Family, "sftp")),
        ("1 --target db01,\u{1b}", unclear(What::Name, "\u{1b}")),
    ] {
        assert_eq!(of::<Approve>(line), Err(wrong), "{line}");
    }
    for (line, wrong) in [
        ("--for 1h --reason x", "usage-no-target"),
        ("db01 --reason x", "usage-no-length"),
        ("db01 --for 1h", "usage-no-reason"),
        ("", "usage-no-target"),
    ] {
        assert_eq!(of::<Request>(line), Err(Misuse::Missing(wrong)), "{line}");
    }
    assert_eq!(of::<Cancel>("-- 1"), of::<Cancel>("1"));
}

/// How a command is written names the options that it takes, and no other.
#[test]
fn usage_names_each_option() {
    fn options<A: Ask>() -> Vec<String> {
        let command = A::augment_args(Command::new(A::ACT));
        let long = |arg: &Arg| arg.get_long().map(|long| format!("--{long}"));
        let mut options: Vec<String> = command.get_arguments().filter_map(long).collect();
        options.sort();
        options
    }
    fn written<A: Ask>() -> Vec<String> {
        assert!(A::USAGE.starts_with(A::ACT));
        let words = A::USAGE.split(['[', ']', ' ', '|']);
        let mut written: Vec<String> = words
            .filter(|word| word.starts_with("--"))
            .map(str::to_owned)
            .collect();
        written.sort();
        written
    }
    assert_eq!(options::<Request>(), written::<Request>());
    assert_eq!(options::<Approve>(), written::<Approve>());
    assert_eq!(options::<Refuse>(), written::<Refuse>());
    assert_eq!(options::<Recordings>(), written::<Recordings>());
    assert_eq!(options::<Search>(), written::<Search>());
    assert_eq!(options::<Replay>(), written::<Replay>());
    assert_eq!(options::<Watch>(), written::<Watch>());
}

proptest! {
    /// No line breaks the reading, and clap is content with each definition.
    #[test]
    fn any_line_is_read(line in "\\PC{0,200}") {
        let _ = of::<Request>(&line);
        let _ = of::<Approve>(&line);
        let _ = of::<Refuse>(&line);
        let _ = of::<Cancel>(&line);
        let _ = of::<Search>(&line);
        let _ = of::<Replay>(&line);
        let _ = of::<Watch>(&line);
    }
}

/// Nobody reads of options that are another role's: an auditor looks how a posture stands, and sets none.
#[test]
fn help_shows_each_role_what_it_may_write() {
    let client = || ClientId::parse("hopital").unwrap();
    let posture = COMMANDS.iter().find(|one| one.name == "posture").unwrap();
    let (auditor, operator) = (
        Role::Auditor { client: client() },
        Role::Operator { client: client() },
    );
    assert_eq!(posture.usage_for(&auditor, Lang::Fr), "posture");
    assert!(posture.usage_for(&operator, Lang::Fr).contains("high"));
}
