//! What the two languages owe each other, and the code to both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ecluse_policy::extraction::{ByteCount, Level, Way};

mod french;
use super::refusals::tests::every_posture;
use super::*;
use crate::live::Exhausted;

/// Message id → the variables it uses, read from the text itself.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if let Some((id, _)) = line
            .split_once('=')
            .filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            current = id.trim().to_owned();
            assert!(
                messages.insert(current.clone(), BTreeSet::new()).is_none(),
                "{current} is written twice"
            );
        }
        for piece in line.split('$').skip(1) {
            let name: String = piece
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                .collect();
            messages.get_mut(&current).unwrap().insert(name);
        }
    }
    messages
}

/// Every string literal of our sources that looks like a message id.
fn ids_in_sources() -> BTreeSet<String> {
    fn visit(dir: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.ends_with("texts/tests.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                found.extend(text.split('"').map(str::to_owned));
            }
        }
    }
    let mut found = BTreeSet::new();
    visit(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    visit(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/src"),
        &mut found,
    );
    found
}

fn looks_like_an_id(text: &str) -> bool {
    const GROUPS: [&str; 10] = [
        "room-",
        "lobby-",
        "operator-",
        "auditor-",
        "watch-",
        "replay-",
        "help-",
        "common-",
        "field-",
        "usage-",
    ];
    GROUPS.iter().any(|group| text.starts_with(group))
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.ends_with('-')
}

#[test]
fn french_and_english_have_the_same_messages_with_the_same_variables() {
    let (fr, en) = (messages(FR), messages(EN));
    for (id, variables) in &en {
        assert_eq!(fr.get(id), Some(variables), "message {id}");
    }
    for id in fr.keys() {
        assert!(en.contains_key(id), "message {id} is only in French");
    }
}

#[test]
fn every_message_the_code_names_exists_and_every_message_is_named() {
    let (known, named) = (messages(EN), ids_in_sources());
    for id in named.iter().filter(|id| looks_like_an_id(id)) {
        assert!(
            known.contains_key(id),
            "{id} is named in the code and not in en.ftl"
        );
    }
    let within = |id: &String| EN.contains(&format!("{{ {id} }}"));
    let unnamed: Vec<&String> = known
        .keys()
        .filter(|id| !named.contains(*id) && !within(id))
        .collect();
    assert!(unnamed.is_empty(), "nobody says {unnamed:?}");
}

#[test]
fn every_reason_of_policy_has_its_sentence() {
    let known = messages(EN);
    for id in ecluse_policy::TEXT_IDS {
        assert!(
            known.contains_key(*id),
            "{id} of the policy crate is not in en.ftl"
        );
    }
}

/// Whether it is said before a log-on.
fn is_at_the_door(id: &str) -> bool {
    const WORDS: [&str; 5] = [
        "login-instructions",
        "login-code-refused",
        "login-code-shape",
        "login-whom-to-ask",
        "login-too-late",
    ];
    id.starts_with("barred-") || WORDS.contains(&id)
}

/// OpenSSH shows instructions and farewells before a log-on with every byte outside ASCII in octal.
#[test]
fn what_is_said_at_the_door_survives_openssh() {
    let lines = EN.lines().chain(FR.lines());
    let texts: Vec<(&str, &str)> = lines
        .filter_map(|line| line.split_once(" = "))
        .filter(|(id, _)| is_at_the_door(id))
        .collect();
    assert_eq!(texts.len(), 20, "{texts:?}");
    for (id, text) in texts {
        assert!(text.is_ascii(), "{id} = {text}");
    }
}

#[test]
fn the_built_in_texts_load() {
    Texts::load().unwrap();
}

#[test]
fn a_value_cannot_carry_a_control_character_into_a_sentence() {
    let texts = Texts::load().unwrap();
    let said = texts.say(
        Lang::En,
        "room-seen",
        &[
            ("person", "odile\x1b]0;x\x07\r\n\u{202e}".into()),
            ("time", "10:00".into()),
        ],
    );
    assert!(
        !said.chars().any(|c| c.is_control() || c == '\u{202e}'),
        "{said:?}"
    );
    assert!(said.contains("odile"));
}

#[test]
fn french_elides_before_a_vowel() {
    let texts = Texts::load().unwrap();
    for (person, said) in [("alice", "d'alice"), ("bruno", "de bruno")] {
        let args = [
            ("number", 3_u64.into()),
            ("person", person.into()),
            ("target", "db01".into()),
        ];
        let line = texts.say(Lang::Fr, "operator-session-ended", &args);
        assert!(
            line.contains(&format!("session 3 {said} sur db01")),
            "{line}"
        );
    }
}

/// Whoever copies what a sentence tells them to type must not copy its full stop.
#[test]
fn no_full_stop_follows_what_is_to_be_typed() {
    const TYPED: [&str; 4] = ["$missing", "$command", "$usage", "@{ $target"];
    for line in EN.lines().chain(FR.lines()) {
        for typed in TYPED {
            for rest in line.split(typed).skip(1) {
                let after = rest
                    .split_once('}')
                    .map(|(_, after)| after)
                    .unwrap_or_default();
                assert!(!after.starts_with('.'), "{line}");
            }
        }
    }
}

/// Whatever this gateway puts on record as a sentence of its own, a reader of French reads in French.
#[test]
fn what_goes_on_record_in_english_is_read_in_french() {
    use crate::live::{KnownBy, Stop};
    use crate::passage::reach::{ConnectError, REFUSED_START, TARGET_LOST};
    use ecluse_policy::capability::{CommandRefused, EnvRefused};
    use ecluse_policy::identity::{Ended, StationFault};
    use ecluse_policy::{
        ClientId, EndReason, FlowName, FlowRequest, InterventionNumber, PersonId, Refusal,
        StationId, TargetId, Term, Timestamp,
    };
    use ecluse_recordings::{asked, bundle::Language, spoken};

    let at = Timestamp::from_secs(1_800_000_000);
    let person = PersonId::parse("alice").unwrap();
    let (number, target) = (InterventionNumber(4), TargetId::parse("db01").unwrap());
    let (client, line_of) = (
        ClientId::parse("hopital").unwrap(),
        FlowName::parse("dba").unwrap(),
    );
    let line = || "command: uptime".to_owned();
    let flows = [
        FlowRequest::SessionChannel,
        FlowRequest::Pty,
        FlowRequest::Shell,
        FlowRequest::Command(b"uptime; id".to_vec()),
        FlowRequest::Env {
            name: "LANG".into(),
            value: "C".into(),
        },
        FlowRequest::WindowChange,
        FlowRequest::Signal("USR1".into()),
        FlowRequest::Break,
        FlowRequest::Subsystem("sftp".into()),
        FlowRequest::X11,
        FlowRequest::AgentForwarding,
        FlowRequest::DirectTcpip {
            host: "db02".into(),
            port: 22,
        },
        FlowRequest::DirectStreamlocal {
            path: "/run/x".into(),
        },
        FlowRequest::RemoteForward {
            address: "localhost".into(),
            port: 0,
        },
        FlowRequest::RemoteStreamlocal {
            path: "/run/x".into(),
        },
        FlowRequest::UnknownChannel("mine@example".into()),
        FlowRequest::UnknownRequest("mine@example".into()),
        FlowRequest::UnnamedRequest { bytes: 44 },
    ];
    let mut said: Vec<String> = Vec::new();
    for flow in flows {
        assert!(
            asked(Language::French, &flow.to_string()).is_some(),
            "{flow}"
        );
        let missing = flow.missing_flow();
        let mut refusals = vec![
            Refusal::FlowNotListed {
                flow: flow.clone(),
                missing: missing.clone(),
            },
            Refusal::NotBrought {
                flow: flow.clone(),
                line: line(),
            },
            Refusal::TooLate { flow: flow.clone() },
            Refusal::NoTerminal {
                flow: flow.clone(),
                line: line(),
                line_of: line_of.clone(),
            },
            Refusal::WindowOver { closed_at: at },
            Refusal::DerogationOver {
                line: line(),
                line_of: line_of.clone(),
                over_at: at,
            },
            Refusal::Term(Term::parse("x;y").unwrap_err()),
        ];
        let commands = [
            CommandRefused::OtherWords,
            CommandRefused::ShellMeaning { shown: ";".into() },
            CommandRefused::Spacing,
            CommandRefused::Hole {
                hole: "db".into(),
                problem: "too long",
            },
            CommandRefused::TooLong,
            CommandRefused::EmptyOrNul,
        ];
        refusals.extend(commands.map(|reason| Refusal::Command {
            flow: flow.clone(),
            missing: missing.clone(),
            reason,
        }));
        let variables = [
            EnvRefused::NotListed,
            EnvRefused::Dangerous,
            EnvRefused::Value,
        ];
        refusals.extend(variables.map(|reason| Refusal::Env {
            flow: flow.clone(),
            missing: missing.clone(),
            reason,
        }));
        for refusal in refusals {
            said.push(format!("not passed on: {refusal}"));
            said.push(format!("{flow}: {refusal}"));
            said.push(refusal.to_string());
        }
    }
    let states = [
        "gone",
        "requested",
        "approved",
        "refused",
        "expired",
        "open",
        "closed",
        "cancelled",
    ];
    let ends = states.map(|state| EndReason::InterventionEnded {
        number,
        state,
        because: None,
    });
    let station = StationId::parse("atelier-1").unwrap();
    let faults = [
        StationFault::Removed,
        StationFault::OtherProvider,
        StationFault::Disabled,
        StationFault::Key,
        StationFault::NotTheirs,
        StationFault::Source,
    ];
    let withdrawn = faults.map(|why| Ended::StationWithdrawn {
        station: station.clone(),
        why,
    });
    let who = || person.clone();
    let withdrawn = withdrawn.into_iter().chain([
        Ended::PersonRemoved { person: who() },
        Ended::PersonDisabled { person: who() },
        Ended::PersonExpired {
            person: who(),
            expired_at: at,
        },
        Ended::KeyWithdrawn { person: who() },
        Ended::CertificateOver {
            person: who(),
            ended_at: at,
        },
        Ended::NetworkWithdrawn { person: who() },
        Ended::ProviderClosed { person: who() },
    ]);
    let ends = ends
        .into_iter()
        .chain(withdrawn.map(EndReason::Withdrawn))
        .chain([
            EndReason::WindowOver { closed_at: at },
            EndReason::HoursOver {
                line_of: line_of.clone(),
                closed_at: at,
            },
            EndReason::DerogationOver {
                line: line(),
                line_of,
                over_at: at,
            },
            EndReason::MatrixChanged { target },
            EndReason::NotOnRecord { number },
            EndReason::DoorClosed {
                client: client.clone(),
            },
            EndReason::KeptOut {
                client: client.clone(),
                by: who(),
                reason: "laptop stolen".into(),
                contacts: String::new(),
            },
            EndReason::NotAccepted {
                client: client.clone(),
                contacts: String::new(),
                by: Some(who()),
            },
            EndReason::NotAccepted {
                client,
                contacts: String::new(),
                by: None,
            },
        ])
        .chain(
            every_posture(at)
                .into_iter()
                .map(Box::new)
                .map(EndReason::Posture),
        );
    let cut = |reason: Option<&str>| Stop::Cut {
        by: who(),
        reason: reason.map(str::to_owned),
        person: false,
    };
    let spent = |ceiling| {
        Stop::Quota(Exhausted {
            level: Level::Session,
            way: Way::Up,
            limit: ByteCount::new(50 << 20),
            spent: ByteCount::new(50 << 20),
            passed: ByteCount::new(49 << 20),
            ceiling,
        })
    };
    let stops = ends.map(Stop::Right).chain([
        cut(None),
        cut(Some("enough: go home")),
        Stop::Unrecorded("no space left on device".into()),
        spent(false),
        spent(true),
        Stop::Overflow,
        Stop::Unread { session: 4 },
        Stop::EndedOnRecord,
        Stop::GatewayStops,
    ]);
    said.extend(stops.map(|stop| stop.to_string()));
    let system = || std::io::Error::other("no route to host");
    let unreached = [
        ConnectError::Unresolved(system()),
        ConnectError::Refused(system()),
        ConnectError::Silent(std::time::Duration::from_secs(5)),
        ConnectError::HostKey {
            got: "SHA256:a".into(),
            pinned: vec!["SHA256:b".into(), "SHA256:c".into()],
        },
        ConnectError::Handshake("no".into()),
        ConnectError::NoCredential,
        ConnectError::BadCredential("no".into()),
        ConnectError::Authentication,
        ConnectError::Channel("no".into()),
        ConnectError::Lost,
    ];
    said.extend(unreached.map(|error| error.to_string()));
    said.extend([REFUSED_START, TARGET_LOST, "nobody did anything for 15m"].map(str::to_owned));
    said.push("signal burst (notify): 1048921 B, against 1 MiB".to_owned());
    said.push("signal tripwire dump (hold): pg_dump, against pg_dump*".to_owned());
    // What an English technician read as their channel ended an older gateway kept as the reason of that.
    let texts = Texts::load().unwrap();
    let args = [
        ("by", "odile".into()),
        ("reason", "enough".into()),
        ("session", 4u64.into()),
        ("key", "session".into()),
        ("limit", "50 MiB".into()),
        ("spent", "52428800 B".into()),
        ("mark", "KRTQX".into()),
        ("question", "pourquoi ?".into()),
        ("answer", "un audit".into()),
        ("command", "ssh alice@192.0.2.1 answer 4 \"…\"".into()),
        ("left", "1:00".into()),
    ];
    let ends = [
        "end-connection-cut",
        "end-connection-cut-because",
        "end-cut",
        "end-cut-because",
        "end-unrecorded",
        "end-unread",
        "end-overflow",
        "end-quota",
        "end-gateway-stops",
        "ask-told",
        "ask-told-away",
        "answer-told",
        "answer-told-budget",
        "answer-not-kept",
        "idle-warned",
    ];
    said.extend(ends.map(|id| texts.say(Lang::En, id, &args)));
    said.extend([KnownBy::Frame, KnownBy::Write, KnownBy::Log].map(|by| by.reason().to_owned()));
    for english in said {
        let french = spoken(Language::French, &english);
        let french = french.unwrap_or_else(|| panic!("in English only: {english}"));
        let words = [" is ", " the ", " not ", " was ", " of "];
        assert!(
            !words.iter().any(|word| french.contains(word)),
            "{english} is said as {french}"
        );
    }
}
