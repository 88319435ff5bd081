//! Every refusal of policy, in the words of the record and of its readers.

use std::collections::BTreeSet;

use ecluse_policy::capability::{CommandRefused, EnvRefused};
use ecluse_policy::identity::Ended;
use ecluse_policy::{
    AccountName, ByteCount, ClientId, FlowName, FlowRequest, HighPosture, InterventionNumber, Kept,
    Missing, PersonId, Refusal, Span, StationId, TargetId, Term, Timestamp,
};
use ecluse_recordings::bundle::Language;
use ecluse_recordings::spoken;

/// The place of a refusal among all of them. A new one does not compile before it stands here, and the test fails before
/// there is one of it below.
fn place(refusal: &Refusal) -> usize {
    match refusal {
        Refusal::NotListed { .. } => 0,
        Refusal::NoIntervention { .. } => 1,
        Refusal::Pending { .. } => 2,
        Refusal::NotYet { .. } => 3,
        Refusal::OtherStation { .. } => 4,
        Refusal::OutsideHours { .. } => 5,
        Refusal::ChooseAccount { .. } => 6,
        Refusal::NotGranted { .. } => 7,
        Refusal::MatrixNarrower { .. } => 8,
        Refusal::NotOnRecord { .. } => 9,
        Refusal::NotKnownYet { .. } => 10,
        Refusal::DoorClosed { .. } => 11,
        Refusal::Ended(_) => 12,
        Refusal::WindowOver { .. } => 13,
        Refusal::FlowNotListed { .. } => 14,
        Refusal::Command { .. } => 15,
        Refusal::Env { .. } => 16,
        Refusal::NoTerminal { .. } => 17,
        Refusal::Term(_) => 18,
        Refusal::NotBrought { .. } => 19,
        Refusal::TooLate { .. } => 20,
        Refusal::DerogationOver { .. } => 21,
        Refusal::NotATechnician => 22,
        Refusal::NotAnOperator => 23,
        Refusal::NotAnAuditor => 24,
        Refusal::NotUnmasking => 25,
        Refusal::CodeWanted { .. } => 26,
        Refusal::NoTarget => 27,
        Refusal::SeveralClients => 28,
        Refusal::NoCommonAccount => 29,
        Refusal::NameAccount { .. } => 30,
        Refusal::NotInMatrix { .. } => 31,
        Refusal::OutsideMatrix { .. } => 32,
        Refusal::NothingAsked => 33,
        Refusal::Reason { .. } => 34,
        Refusal::ReasonIsCode => 35,
        Refusal::Length { .. } => 36,
        Refusal::Bytes { .. } => 37,
        Refusal::Start { .. } => 38,
        Refusal::NeverOpen { .. } => 39,
        Refusal::TooManyWaiting { .. } => 40,
        Refusal::TooOften { .. } => 41,
        Refusal::NotItsOperator => 42,
        Refusal::OwnRequest => 43,
        Refusal::AlreadyApproved { .. } => 44,
        Refusal::NothingLeft { .. } => 45,
        Refusal::OnlyShrinks { .. } => 46,
        Refusal::WrongState { .. } => 47,
        Refusal::NoSuchIntervention => 48,
        Refusal::NotYours { .. } => 49,
        Refusal::KeptOut { .. } => 50,
        Refusal::NotAccepted { .. } => 51,
        Refusal::PersonRefused { .. } => 52,
        Refusal::IsKeptOut { .. } => 53,
        Refusal::AcceptFirst { .. } => 54,
        Refusal::Posture(_) => 55,
        Refusal::LengthToGrant { .. } => 56,
        Refusal::BytesToGrant { .. } => 57,
    }
}

/// How many there are.
const PLACES: usize = 58;

/// Everything that a posture bars.
pub(in crate::texts) fn every_posture(at: Timestamp) -> Vec<HighPosture> {
    let bars = [
        Missing::Yes {
            number: InterventionNumber(8),
            needed: 2,
            given: 1,
        },
        Missing::Line {
            line: "command: *".to_owned(),
        },
        Missing::Window { closed_at: at },
        Missing::Length {
            asked: Span::from_hours(4),
            at_most: Span::from_hours(1),
        },
        Missing::Bytes {
            asked: ByteCount::new(9),
            at_most: ByteCount::new(4),
        },
    ];
    let of = |missing, decides| HighPosture {
        decides,
        client: ClientId::parse("hopital").unwrap(),
        since: at,
        by: PersonId::parse("odile").unwrap(),
        reason: "intrusion at a supplier".to_owned(),
        contacts: String::new(),
        missing,
    };
    let decided = bars.clone().map(|one| of(one, Some(InterventionNumber(8))));
    let asked = bars.map(|one| of(one, None));
    asked.into_iter().chain(decided).collect()
}

fn every_refusal() -> Vec<Refusal> {
    let at = Timestamp::from_secs(1_800_000_000);
    let (number, target) = (InterventionNumber(8), TargetId::parse("web01").unwrap());
    let target = || target.clone();
    let account = |name: &str| AccountName::parse(name).unwrap();
    let accounts = || BTreeSet::from([account("ops"), account("postgres")]);
    let line_of = || FlowName::parse("dba").unwrap();
    let flow = || FlowRequest::Command(b"id".to_vec());
    let text = |text: &str| text.to_owned();
    let mut all = vec![
        Refusal::NotListed {
            target: text("nowhere"),
        },
        Refusal::NoIntervention { target: target() },
        Refusal::NotYet {
            number,
            starts_at: at,
        },
        Refusal::OtherStation {
            number,
            asked_from: StationId::parse("atelier-1").unwrap(),
        },
        Refusal::ChooseAccount {
            target: target(),
            accounts: accounts(),
        },
        Refusal::NotGranted {
            number,
            what: text("root"),
        },
        Refusal::MatrixNarrower { number },
        Refusal::NotOnRecord { number },
        Refusal::NotKnownYet { number },
        Refusal::DoorClosed {
            client: ClientId::parse("hopital").unwrap(),
        },
        Refusal::Ended(Ended::PersonDisabled {
            person: PersonId::parse("alice").unwrap(),
        }),
        Refusal::WindowOver { closed_at: at },
        Refusal::FlowNotListed {
            flow: flow(),
            missing: text("command: id"),
        },
        Refusal::Command {
            flow: flow(),
            missing: text("command: id"),
            reason: CommandRefused::OtherWords,
        },
        Refusal::Env {
            flow: flow(),
            missing: text("env: LANG"),
            reason: EnvRefused::NotListed,
        },
        Refusal::NoTerminal {
            flow: flow(),
            line: text("command: id"),
            line_of: line_of(),
        },
        Refusal::Term(Term::parse("x;y").unwrap_err()),
        Refusal::NotBrought {
            flow: flow(),
            line: text("command: id"),
        },
        Refusal::TooLate { flow: flow() },
        Refusal::DerogationOver {
            line: text("command: *"),
            line_of: line_of(),
            over_at: at,
        },
        Refusal::NotATechnician,
        Refusal::NotAnOperator,
        Refusal::NotAnAuditor,
        Refusal::NotUnmasking,
        Refusal::CodeWanted {
            within: Span::from_mins(5),
        },
        Refusal::NoTarget,
        Refusal::SeveralClients,
        Refusal::NoCommonAccount,
        Refusal::NameAccount {
            accounts: accounts(),
        },
        Refusal::NotInMatrix {
            capability: text("shell"),
            target: target(),
        },
        Refusal::OutsideMatrix {
            number,
            capability: text("shell"),
            target: target(),
        },
        Refusal::NothingAsked,
        Refusal::Reason { longest: 1000 },
        Refusal::ReasonIsCode,
        Refusal::Length {
            asked: Span::from_hours(9),
            at_most: Span::from_hours(4),
        },
        Refusal::Bytes {
            asked: ByteCount::new(9),
            at_most: ByteCount::new(4),
        },
        Refusal::Start {
            start: at,
            latest: at,
        },
        Refusal::NeverOpen {
            until: at,
            opens_at: at,
        },
        Refusal::TooManyWaiting { waiting: 5 },
        Refusal::TooOften {
            made: 60,
            again_at: at,
        },
        Refusal::NotItsOperator,
        Refusal::OwnRequest,
        Refusal::AlreadyApproved { number },
        Refusal::LengthToGrant {
            number,
            asked: Span::from_hours(4),
            at_most: Span::from_hours(1),
        },
        Refusal::BytesToGrant {
            number,
            asked: ByteCount::new(9 << 20),
            at_most: ByteCount::new(4 << 20),
        },
        Refusal::NothingLeft { number },
        Refusal::OnlyShrinks { what: text("root") },
        Refusal::NoSuchIntervention,
        Refusal::NotYours { number },
        Refusal::NotAccepted {
            client: ClientId::parse("hopital").unwrap(),
            contacts: text("+33 1 23 45 67 89"),
        },
        Refusal::PersonRefused {
            client: ClientId::parse("hopital").unwrap(),
            contacts: String::new(),
        },
        Refusal::AcceptFirst {
            person: PersonId::parse("alice").unwrap(),
        },
    ];
    for kept in [
        Kept::Person(PersonId::parse("alice").unwrap()),
        Kept::Station(StationId::parse("atelier-1").unwrap()),
        Kept::Target(target()),
        Kept::All,
    ] {
        all.push(Refusal::KeptOut {
            client: ClientId::parse("hopital").unwrap(),
            kept: Box::new(kept.clone()),
            reason: text("laptop stolen"),
            contacts: String::new(),
        });
        all.push(Refusal::IsKeptOut {
            kept: Box::new(kept),
        });
    }
    all.extend(
        every_posture(at)
            .into_iter()
            .map(Box::new)
            .map(Refusal::Posture),
    );
    for seen_at in [None, Some(at)] {
        all.push(Refusal::Pending {
            target: target(),
            number,
            seen_at,
        });
        all.push(Refusal::OutsideHours {
            target: target(),
            opens_at: seen_at,
        });
    }
    let states = [
        "requested",
        "approved",
        "refused",
        "expired",
        "open",
        "closed",
        "cancelled",
    ];
    let steps = [
        "look at", "approve", "refuse", "cancel", "finish", "open", "close",
    ];
    for state in states {
        all.extend(steps.map(|step| Refusal::WrongState {
            number,
            state,
            step,
        }));
    }
    all
}

/// R5: whatever policy refuses is put on record in English, and a reader of French reads all of it in French: of a channel,
/// at a target's door, at a request and at an answer.
#[test]
fn r5_every_refusal_of_policy_is_read_in_french() {
    let all = every_refusal();
    let places: BTreeSet<usize> = all.iter().map(place).collect();
    assert_eq!(places, (0..PLACES).collect());
    for refusal in all {
        let english = refusal.to_string();
        for said in [english.clone(), format!("a shell: {english}")] {
            let french = spoken(Language::French, &said);
            let french = french.unwrap_or_else(|| panic!("in English only: {said}"));
            let words = [
                " is ", " the ", " not ", " was ", " of ", " for ", "; ask", "only ",
            ];
            assert!(
                !words.iter().any(|word| french.contains(word)),
                "{english} is said as {french}"
            );
        }
    }
}
