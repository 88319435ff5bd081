//! What a record holds, and under which name.

use super::*;

#[test]
fn every_kind_is_found_again_by_its_name() {
    for kind in AuditKind::ALL {
        assert_eq!(AuditKind::parse(kind.name()), Some(*kind));
    }
    let mut names: Vec<_> = AuditKind::ALL.iter().map(|kind| kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), AuditKind::ALL.len());
}

#[test]
fn a_strangers_text_enters_the_trail_harmless_and_bounded() {
    let record = AuditRecord::new(AuditKind::LogOnRefused, Timestamp::from_micros(0))
        .claimed("\x1b]0;owned\x07")
        .terminal(&"x".repeat(10_000))
        .detail("said", vec!["\x1b[2J"]);
    assert!(!record.person.unwrap().contains('\x1b'));
    assert_eq!(record.terminal.unwrap().len(), LONGEST);
    assert!(!record.detail["said"][0].as_str().unwrap().contains('\x1b'));
}
