//! Promises of a login by certificate: what it stands for, why it is refused, when it ends (A2, A3).

use ecluse_policy::identity::CertificateRefused;
use ecluse_policy::*;

use crate::login::{accept, begin, step};
use crate::site::*;

fn facts() -> CertificateFacts {
    let seconds = |text: &str| u64::try_from(at(text).as_micros() / 1_000_000).unwrap();
    CertificateFacts {
        key: key(STRANGER),
        ca: key(AUTHORITY),
        serial: 7,
        key_id: "alice of maintech".into(),
        kind: CertificateKind::User,
        principals: vec!["alice".into()],
        valid_after: seconds("2026-11-23T09:00:00Z"),
        valid_before: seconds("2026-11-23T17:00:00Z"),
        critical_options: vec![],
        extensions: vec![
            ("permit-pty".into(), String::new()),
            ("unknown@example".into(), "x".into()),
        ],
    }
}

fn with(change: impl Fn(&mut CertificateFacts)) -> Step {
    let mut facts = facts();
    change(&mut facts);
    let documents = documents();
    let mut login = begin("alice");
    let _ = step(&mut login, &documents, ATELIER_1);
    login.certificate_proven(&documents, &facts, t0())
}

fn reason(step: Step) -> CertificateRefused {
    match step {
        Step::Refuse(LoginRefusal::Certificate { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_of_the_providers_authority_stands_for_the_persons_key() {
    assert_eq!(with(|_| ()), Step::NeedCode);
    for list in ["192.0.2.7", "10.0.0.0/8,192.0.2.0/24"] {
        assert_eq!(
            with(|facts| facts.critical_options = vec![("source-address".into(), list.into())]),
            Step::NeedCode
        );
    }
}

#[test]
fn a_certificate_that_does_not_hold_is_refused_for_its_reason() {
    use CertificateRefused as Why;
    let option = |name: &str, value: &str| {
        let (name, value) = (name.to_owned(), value.to_owned());
        reason(with(move |facts| {
            facts.critical_options = vec![(name.clone(), value.clone())]
        }))
    };
    assert_eq!(
        reason(with(|facts| facts.ca = key(ELSEWHERE_AUTHORITY))),
        Why::Authority
    );
    assert_eq!(
        reason(with(|facts| facts.ca = key(STRANGER))),
        Why::Authority
    );
    assert_eq!(
        reason(with(|facts| facts.kind = CertificateKind::Host)),
        Why::Kind
    );
    assert_eq!(
        reason(with(|facts| facts.kind = CertificateKind::Other(0))),
        Why::Kind
    );
    assert_eq!(
        reason(with(|facts| facts.principals = vec![])),
        Why::NoPrincipal
    );
    for principal in ["bruno", "Alice", "alice ", "*", ""] {
        assert_eq!(
            reason(with(|facts| facts.principals = vec![principal.into()])),
            Why::Principal
        );
    }
    let now = u64::try_from(t0().as_micros() / 1_000_000).unwrap();
    assert_eq!(
        reason(with(|facts| facts.valid_after = now + 1)),
        Why::NotYet(t0().plus(span("1s")))
    );
    assert_eq!(
        reason(with(|facts| facts.valid_before = now)),
        Why::Over(t0())
    );
    assert_eq!(
        reason(with(|facts| facts.valid_before = 0)),
        Why::Over(Timestamp::from_secs(0))
    );
    assert_eq!(reason(with(|facts| facts.serial = 13)), Why::Revoked);
    assert_eq!(
        reason(with(|facts| facts.key = key(BRUNO))),
        Why::KeyOfAnother
    );
    assert_eq!(
        reason(with(|facts| facts.key = key(ATELIER_1))),
        Why::KeyOfAnother
    );
    for list in [
        "198.51.100.0/24",
        "",
        "192.0.2.0/24,",
        "192.0.2.0/24,x",
        "!192.0.2.7",
        " 192.0.2.7",
    ] {
        assert_eq!(option("source-address", list), Why::Source, "{list:?}");
    }
    for name in [
        "force-command",
        "verify-required",
        "no-touch-required",
        "",
        "source-address@example",
        "Source-Address",
    ] {
        assert_eq!(
            option(name, "192.0.2.7"),
            Why::CriticalOption {
                option: name.into()
            }
        );
    }
    let both = vec![
        ("source-address".to_owned(), "192.0.2.7".to_owned()),
        ("source-address".to_owned(), "10.0.0.1".to_owned()),
    ];
    assert_eq!(
        reason(with(move |facts| facts.critical_options = both.clone())),
        Why::Source,
        "each option holds"
    );
}

#[test]
fn a_certificate_opens_nothing_to_operators_or_unknown_people() {
    let documents = documents();
    for user in ["odile", "aurele", "nobody", "?"] {
        let mut facts = facts();
        facts.principals = vec![user.into()];
        assert_eq!(
            reason(begin(user).certificate_proven(&documents, &facts, t0())),
            CertificateRefused::NobodySigns
        );
    }
}

#[test]
fn a_revoked_key_or_authority_is_refused_by_line_and_by_fingerprint() {
    for revoked in [
        line(STRANGER),
        key(STRANGER).fingerprint().to_string(),
        line(AUTHORITY),
    ] {
        let provider = maintech().replace(
            "revoked-serials",
            &format!("revoked-keys = [\"{revoked}\"]\nrevoked-serials"),
        );
        let documents = documents_of(&provider, &hopital(DBA));
        assert_eq!(
            reason(begin("alice").certificate_proven(&documents, &facts(), t0())),
            CertificateRefused::Revoked
        );
    }
    let provider = maintech().replace(
        "revoked-serials",
        &format!(
            "revoked-keys = [\"{}\", \"{}\"]\nrevoked-serials",
            line(ALICE),
            line(ATELIER_1)
        ),
    );
    let documents = documents_of(&provider, &hopital(DBA));
    for seed in [ALICE, ATELIER_1] {
        assert_eq!(
            step(&mut begin("alice"), &documents, seed),
            Step::Refuse(LoginRefusal::RevokedKey {
                key: key(seed).fingerprint()
            })
        );
    }
}

#[test]
fn a_session_by_certificate_ends_with_it_or_with_its_authority() {
    let before = documents();
    let mut login = begin("alice");
    let _ = step(&mut login, &before, ATELIER_1);
    let _ = login.certificate_proven(&before, &facts(), t0());
    let Step::Complete(authenticated) = accept(&mut login, &before) else {
        panic!()
    };
    assert_eq!(
        authenticated.certificate().map(|facts| facts.serial),
        Some(7)
    );
    let ended_at = at("2026-11-23T17:00:00Z");
    assert_eq!(
        authenticated.still_valid(&before, ended_at.minus(Span::from_micros(1))),
        Ok(())
    );
    assert_eq!(
        authenticated.still_valid(&before, ended_at),
        Err(Ended::CertificateOver {
            person: person("alice"),
            ended_at
        })
    );
    for provider in [
        maintech().replace("[13]", "[13, 7]"),
        maintech().replace(&line(AUTHORITY), &line(STRANGER + 1)),
    ] {
        let after = documents_of(&provider, &hopital(DBA));
        assert_eq!(
            authenticated.still_valid(&after, t0()),
            Err(Ended::KeyWithdrawn {
                person: person("alice")
            })
        );
    }
}
