//! Yeses that were too few suffice once a posture is over, or the documents ask for fewer; and what an operator reads who would
//! say yes to more than can be granted (P6, I2).

use ecluse_policy::*;
use proptest::prelude::*;

use crate::postures::{after, heightened, posture, with};
use crate::site::*;

fn yes(
    documents: &Documents,
    it: &Intervention,
    by: &Authenticated,
    narrowing: &Narrowing,
) -> Intervention {
    it.approved_by(documents, by, narrowing, t0()).unwrap()
}

fn at_least_two() -> Documents {
    with("approvers = 2\nrefuse = []\nat-most = \"24h\"")
}

fn for_an_hour() -> Narrowing {
    Narrowing {
        length: Some(span("1h")),
        ..Narrowing::default()
    }
}

/// P6: a yes that was one of two while the posture was high opens the intervention by itself once it is normal, with what it
/// left and no more; the same operator's further yes is not refused as wanting another's.
#[test]
fn p6_a_yes_given_meanwhile_suffices_once_the_posture_is_over() {
    let normal = at_least_two();
    let high = heightened(&normal, t0());
    let odile = odile(&normal);
    let one = yes(&high, &asked(&high), &odile, &for_an_hour());
    assert_eq!(one.state(), &State::Requested);
    assert_eq!(one.approve_if_sufficed(&high, t0()), None);
    let again = one.approved_by(&high, &odile, &Narrowing::default(), t0());
    assert!(matches!(again, Err(Refusal::AlreadyApproved { .. })));

    let outlook = one.outlook(&normal, after("5m")).unwrap();
    assert_eq!((outlook.needed, outlook.given.len()), (1, 1));
    let opened = one.approve_if_sufficed(&normal, after("5m")).unwrap();
    let granted = opened.granted().unwrap();
    assert_eq!(
        (granted.length, granted.starts_at),
        (span("1h"), after("5m"))
    );
    // As long as if it had sufficed when it was said.
    assert_eq!(granted.latest_end, after("4h"));
    assert_eq!(opened.approvals(), one.approvals());
    // Behind that a yes of now is wanted, and the same operator's is one, and one alone.
    assert_eq!(one.approve_if_sufficed(&normal, after("4h")), None);
    let again = one
        .approved_by(&normal, &odile, &Narrowing::default(), after("5h"))
        .unwrap();
    let granted = again.granted().unwrap();
    assert_eq!(
        (granted.length, granted.latest_end),
        (span("1h"), after("9h"))
    );
    assert_eq!(again.approvals().len(), 1);
    // Heightened once more, that one is no two.
    let high = heightened(&normal, after("5h"));
    assert_eq!(again.yeses_wanted(&high, after("5h")), Some(2));
}

/// I2: documents that ask for fewer do the same; not with the yes of somebody who could not say it any more, for somebody who
/// could not come any more, where the matrix allows it no more, behind the day of the answer, or where nobody said yes.
#[test]
fn i2_yeses_suffice_by_the_documents_of_the_moment_alone() {
    let two = with_flows(&DBA.replace("by = 1", "by = 2"));
    let one = with_flows(DBA);
    let waits = yes(&two, &asked(&two), &odile(&two), &Narrowing::default());
    assert_eq!(waits.approve_if_sufficed(&two, t0()), None);
    let opened = waits.approve_if_sufficed(&one, t0()).unwrap();
    assert_eq!(opened.state().name(), "approved");
    let hopital_without = |from: &str, to: &str| hopital(DBA).replace(from, to);
    let gone = documents_of(
        &maintech(),
        &hopital_without("id = \"odile\"", "id = \"odette\""),
    );
    let stranger = documents_of(
        &maintech().replace("id = \"alice\"", "id = \"alix\""),
        &hopital(DBA),
    );
    let narrower = with_flows(&DBA.replace("\"shell\", ", ""));
    for (documents, now) in [
        (&gone, t0()),
        (&stranger, t0()),
        (&narrower, t0()),
        (&one, after("24h")),
    ] {
        assert_eq!(waits.approve_if_sufficed(documents, now), None);
    }
    assert_eq!(asked(&one).approve_if_sufficed(&one, t0()), None);
    let unsure = waits.clone().unconfirmed();
    assert_eq!(unsure.approve_if_sufficed(&one, t0()), None);
    assert_eq!(opened.approve_if_sufficed(&one, t0()), None);
}

proptest! {
    /// I2: whatever is left of a yes, what it becomes by itself is never more, and never lasts longer.
    #[test]
    fn i2_what_suffices_later_grants_no_more(minutes in 1u64..240, later in 0u64..300, shell in any::<bool>()) {
        let normal = at_least_two();
        let high = heightened(&normal, t0());
        let narrowing = Narrowing {
            length: Some(Span::from_mins(minutes.min(119))),
            families: shell.then(|| set(["shell".to_owned()])),
            ..Narrowing::default()
        };
        let one = yes(&high, &asked(&high), &odile(&high), &narrowing);
        let now = t0().plus(Span::from_mins(later));
        let at_once = yes(&normal, &asked(&normal), &odile(&normal), &narrowing);
        let Some(opened) = one.approve_if_sufficed(&normal, now) else {
            prop_assert!(at_once.granted().unwrap().latest_end <= now);
            return Ok(());
        };
        let (by_itself, by_yes) = (opened.granted().unwrap(), at_once.granted().unwrap());
        prop_assert_eq!(&by_itself.scope, &by_yes.scope);
        prop_assert_eq!(by_itself.length, by_yes.length);
        prop_assert_eq!(by_itself.latest_end, by_yes.latest_end);
    }
}

/// P6, I2: whoever would say yes to more than can be granted reads to what they may say it; and how it stands is known beforehand.
#[test]
fn p6_who_decides_reads_of_a_yes_to_less() {
    let normal = with("approvers = 2\nrefuse = []\nat-most = \"30m\"");
    let high = heightened(&normal, t0());
    let waits = asked(&normal);
    let odile = odile(&high);
    let refused = waits.approved_by(&high, &odile, &Narrowing::default(), t0());
    let Err(refusal) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.text_id(), "refusal-posture-length-to-grant");
    let outlook = waits.outlook(&high, t0()).unwrap();
    assert_eq!((outlook.needed, outlook.at_most), (2, Some(span("30m"))));
    assert!(matches!(posture(refusal), Missing::Length { .. }));
    let less = Narrowing {
        length: Some(span("30m")),
        ..Narrowing::default()
    };
    let _ = yes(&high, &waits, &odile, &less);
    // Whoever asks for it reads what they may ask for, as before.
    let asks = requested(&high, &alice(&high), ask_for(&["db01"], "2h"), t0());
    assert_eq!(asks.unwrap_err().text_id(), "refusal-posture-length");

    let much = Narrowing {
        bytes: Some(ByteCount::new(900 << 30)),
        ..Narrowing::default()
    };
    let refused = waits.approved_by(&normal, &odile, &much, t0());
    assert!(
        matches!(refused, Err(Refusal::BytesToGrant { number, .. }) if number == waits.number()),
        "{refused:?}"
    );
    let shorter = with_flows(&DBA.replace("4h", "1h"));
    let refused = waits.approved_by(&shorter, &odile, &Narrowing::default(), t0());
    assert!(
        matches!(refused, Err(Refusal::LengthToGrant { at_most, .. }) if at_most == span("1h")),
        "{refused:?}"
    );
    let line = heightened(&with("approvers = 1\nrefuse = [\"shell\"]"), t0());
    let refused = waits.approved_by(&line, &odile, &for_an_hour(), t0());
    let id = refused.map_err(|refusal| refusal.text_id());
    assert_eq!(id.unwrap_err(), "refusal-posture-line-to-grant");
}

/// P6: of refused lines a session loses those alone by which something runs; and none is named of a flow that is another's, or
/// where another line gives the same.
#[test]
fn p6_only_what_runs_is_told_to_end() {
    let high = |refuse: &str| {
        let rules = format!("approvers = 1\nat-most = \"24h\"\nrefuse = [{refuse}]");
        let before = with(&rules);
        let it = admit(
            &before,
            &alice(&before),
            &target("db01"),
            None,
            &[approved(&before)],
            t0(),
        );
        let it = it.unwrap().intervention().clone();
        (heightened(&before, t0()), it)
    };
    let (refused, it) = high("\"command: *\"");
    let any = capability("command: *");
    let line = Missing::Line {
        line: "command: *".into(),
    };
    let ends = |runs: &[Capability]| {
        it.ended_by_posture(&refused, &target("db01"), &account("postgres"), runs, t0())
    };
    assert_eq!(ends(&[]), []);
    assert_eq!(ends(&[Capability::Shell]), []);
    let lost = ends(&[Capability::Shell, any]);
    assert_eq!(lost, [line]);
    assert_eq!(it.barred_by_posture(&refused, t0()), lost);
    // What the flow of others allows is not theirs to lose.
    let others = format!(
        "{}[[flow]]\nname = \"others\"\ntechnicians = [\"maintech:web\"]\ntargets = [\"db01\"]\naccounts = [\"postgres\"]\n\
         allow = [{ANY}]\nhours = \"always\"\nauthentication = [\"station\", \"key\", \"totp\"]\n\
         approval = {{ by = 1, at-most = \"4h\" }}\n[posture.high]\napprovers = 1\nrefuse = [\"command: *\"]\n",
        DBA
    );
    let documents = with_flows(&others);
    let theirs = approved(&documents);
    let high = heightened(&documents, t0());
    assert_eq!(theirs.barred_by_posture(&high, t0()), []);
}
