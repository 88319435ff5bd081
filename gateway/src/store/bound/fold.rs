//! One entry of the log taken into what is known of it. Words may come late ([`super::missing`]): whatever the order in which
//! entries are taken in, what is known in the end is what their places make of it.

use ecluse_policy::InterventionId;
use ecluse_recordings::bound as keys;
use ecluse_recordings::log::Entry;
use uuid::Uuid;

use super::copies::COPIES;
use super::missing::MISSING;
use super::said::{DocumentSaid, OpenSession, Removal, Said};
use super::{is_step, session_subject, subject};
use crate::audit::{AuditKind, AuditVerdict};
use crate::clock;

/// Whether an entry of this kind tells of something that is kept, whatever else it says.
pub(super) fn is_kept(kind: &str) -> bool {
    AuditKind::parse(kind).is_some_and(|kind| {
        matches!(
            kind,
            AuditKind::BindingsBegin
                | AuditKind::SessionStart
                | AuditKind::SessionEnd
                | AuditKind::Lockout
                | AuditKind::LockoutLifted
                | AuditKind::Enrolment
                | AuditKind::EnrolmentDisabled
                | AuditKind::EntriesDestroyed
                | AuditKind::CheckpointFailed
                | AuditKind::Bound
                | AuditKind::CredentialSet
                | AuditKind::GatewayStart
                | AuditKind::GatewayStop
                | AuditKind::ServeCutShort
                | AuditKind::NotOnRecord
                | AuditKind::LogOn
                | AuditKind::AccountEnabled
                | AuditKind::PeopleAccepted
                | AuditKind::PersonRefused
                | AuditKind::ClearanceEnded
                | AuditKind::KeepOut
                | AuditKind::KeepOutLifted
                | AuditKind::PostureHigh
                | AuditKind::PostureNormal
        )
    })
}

impl Said {
    /// Takes in one entry. Where it is not `sound`, it stands in the place of another that was seen there: it says nothing, and
    /// what it is about is vouched for by nothing.
    pub(super) fn fold(&mut self, seq: u64, entry: &Entry, is_about: bool, sound: bool) {
        let Some(kind) = AuditKind::parse(&entry.kind) else {
            return;
        };
        self.session(seq, entry, kind, sound);
        self.secrets.see(seq, entry, sound);
        self.runs.see(seq, entry, sound);
        if kind == AuditKind::GatewayStart && sound && entry.detail.contains_key(COPIES) {
            let since = self.copies_since.unwrap_or(seq);
            self.copies_since = Some(since.min(seq));
        }
        if sound {
            self.blocks.see(seq, entry, kind, clock::ahead());
            self.codes.see(seq, entry, kind, clock::agreed());
            self.lives.see(seq, entry, kind);
            self.clearances.see(seq, entry, kind);
            if kind == AuditKind::EntriesDestroyed
                && let (Some(entries), Some(leaves)) = (
                    entry.detail_number("entries"),
                    entry.detail_text("leaves-sha256"),
                )
            {
                let removal = Removal {
                    entries,
                    up_to: entry.detail_number("up-to").unwrap_or(0),
                    leaves: leaves.to_owned(),
                };
                self.destructions.insert(seq, removal);
            } else if kind == AuditKind::CheckpointFailed
                && let Some(told) = entry.detail_text(MISSING)
            {
                self.missing.are_told(told);
            }
        }
        if kind == AuditKind::BindingsBegin {
            self.begun = true;
            let version = entry.detail_number("version").unwrap_or(0);
            self.old_version = self.old_version.max((seq, version));
        }
        if is_about {
            self.begun = true;
            self.entry(seq, entry, kind, sound);
        }
    }

    /// Which sessions are open. A beginning that does not hold shows a session all the same; an end that does not ends none.
    fn session(&mut self, seq: u64, entry: &Entry, kind: AuditKind, sound: bool) {
        let id = entry.session.as_deref();
        let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) else {
            return;
        };
        if kind == AuditKind::SessionStart {
            let session = OpenSession {
                client: entry.client.clone(),
                person: entry.person.clone(),
                target: entry.target.clone(),
                intervention: entry.intervention.clone(),
                number: entry.detail_number("number").unwrap_or(0),
                at: entry.at_us,
            };
            match self.ended.remove(&id) {
                // Its end was seen before.
                Some(end) if end > seq => {}
                Some(_) | None => {
                    self.open.entry(id).or_insert(session);
                }
            }
        } else if kind == AuditKind::SessionEnd
            && sound
            && self.open.remove(&id).is_none()
            && self.missing.is_any_before(seq)
        {
            // Its beginning may be among what is missing.
            self.ended.insert(id, seq);
        }
    }

    /// Keeps what is about interventions, documents and what was found of them.
    fn entry(&mut self, seq: u64, entry: &Entry, kind: AuditKind, sound: bool) {
        let refused = entry.verdict.as_deref() == Some(AuditVerdict::Refuse.name());
        let id = entry.intervention.as_deref();
        let id = id.and_then(|id| Uuid::parse_str(id).ok());
        let owner = entry.detail_text(keys::DOCUMENT_OF);
        if kind == AuditKind::NotOnRecord {
            let session = entry.session.as_deref();
            let session = session.and_then(|id| Uuid::parse_str(id).ok());
            let subject = match (owner, id, session) {
                (Some(owner), _, _) => owner.to_owned(),
                (None, Some(id), _) => subject(InterventionId::from_uuid(id)),
                (None, None, Some(id)) => session_subject(id),
                (None, None, None) => return,
            };
            let found = entry.detail_text(keys::CONTRADICTED).unwrap_or_default();
            self.tell(seq, entry.at_us, subject, Some(found.to_owned()));
        } else if let Some(owner) = owner {
            self.document(seq, entry, kind, owner, sound);
        } else if let Some(id) = id
            && (is_step(kind) || kind == AuditKind::Bound)
            && !refused
            && let Some(digest) = entry.detail_text(keys::INTERVENTION)
        {
            self.step(id, seq, entry, kind, Some(digest).filter(|_| sound));
        }
    }

    fn tell(&mut self, seq: u64, at: i64, subject: String, found: Option<String>) {
        if self.told.get(&subject).is_none_or(|told| seq >= told.0) {
            self.righted.remove(&subject);
            self.told.insert(subject, (seq, at, found));
        }
    }

    fn document(&mut self, seq: u64, entry: &Entry, kind: AuditKind, owner: &str, sound: bool) {
        let digest = entry.detail_text(keys::DOCUMENT).map(str::to_owned);
        if let Some(client) = &entry.client {
            let key = (client.clone(), owner.to_owned());
            let known = self.known.entry(key).or_default();
            if seq >= known.0 || !sound {
                *known = (seq, digest.clone().filter(|_| sound));
            }
        }
        let said = DocumentSaid {
            seq,
            version: entry.detail_number("version").unwrap_or(0),
            digest: if sound {
                digest
            } else {
                digest.map(|_| String::new())
            },
            file: entry.detail_text("file").map(str::to_owned),
            applied_at: (kind == AuditKind::DocumentChange).then_some(entry.at_us),
        };
        let all = self.documents.entry(owner.to_owned()).or_default();
        let place = if sound {
            all.partition_point(|earlier| earlier.seq < seq)
        } else {
            all.len()
        };
        all.insert(place, said);
        self.document_words += 1;
        self.tell(seq, entry.at_us, owner.to_owned(), None);
    }

    /// A step of an intervention; its digest where it holds.
    fn step(&mut self, id: Uuid, seq: u64, entry: &Entry, kind: AuditKind, digest: Option<&str>) {
        let latest = self.interventions.entry(id).or_default();
        if seq >= latest.seq || digest.is_none() {
            latest.seq = seq;
            latest.digest = digest.unwrap_or_default().to_owned();
            latest.client.clone_from(&entry.client);
        }
        if let Some(number) = entry.detail_number("number")
            && latest.numbered.is_none_or(|(earlier, _)| seq < earlier)
        {
            latest.numbered = Some((seq, number));
        }
        latest.is_asked_for |= kind == AuditKind::Request;
        latest.found |= kind == AuditKind::Bound;
        if kind == AuditKind::Approval {
            let by = entry.person.clone().unwrap_or_default();
            latest.approvals.insert(seq, (by, entry.at_us));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use ecluse_policy::{ClientId, InterventionId, PersonId, SessionId, Timestamp};
    use ecluse_recordings::log::{Hash, leaf_hash};
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::failures::{BLOCKS, person_subject};
    use super::*;
    use crate::audit::{AuditRecord, CODE_STEP, COUNTED, KEPT_OUT, PEOPLE, Place, SECRET};
    use crate::store::SEALED;

    /// What happens in a log, and to which of a few it happens.
    #[derive(Debug, Clone, Copy)]
    enum Happens {
        Step(AuditKind),
        Document { is_out: bool },
        Session,
        Lockout { lasts: i64 },
        Lifted(AuditKind),
        Found,
        Removed,
        Try,
        Code,
        Secret(AuditKind),
        Cleared(AuditKind),
        Nothing,
    }

    fn happens() -> impl Strategy<Value = (Happens, u8)> {
        let steps = [AuditKind::Request, AuditKind::Approval, AuditKind::Closing];
        let lifted = [
            AuditKind::LockoutLifted,
            AuditKind::Enrolment,
            AuditKind::EnrolmentDisabled,
        ];
        let secrets = [
            AuditKind::Enrolment,
            AuditKind::EnrolmentDisabled,
            AuditKind::Bound,
        ];
        let cleared = [
            AuditKind::PeopleAccepted,
            AuditKind::PersonRefused,
            AuditKind::ClearanceEnded,
            AuditKind::KeepOut,
            AuditKind::KeepOutLifted,
            AuditKind::PostureHigh,
            AuditKind::PostureNormal,
        ];
        let one = prop_oneof![
            proptest::sample::select(steps.to_vec()).prop_map(Happens::Step),
            any::<bool>().prop_map(|is_out| Happens::Document { is_out }),
            Just(Happens::Session),
            (1..40_i64).prop_map(|lasts| Happens::Lockout { lasts }),
            proptest::sample::select(lifted.to_vec()).prop_map(Happens::Lifted),
            Just(Happens::Found),
            Just(Happens::Removed),
            Just(Happens::Try),
            Just(Happens::Code),
            proptest::sample::select(secrets.to_vec()).prop_map(Happens::Secret),
            proptest::sample::select(cleared.to_vec()).prop_map(Happens::Cleared),
            Just(Happens::Nothing),
        ];
        (one, 0..3_u8)
    }

    fn id(which: u8) -> Uuid {
        Uuid::from_bytes([which + 1; 16])
    }

    /// The lines of the log, of which that of the first place is at 0.
    fn log(all: &[(Happens, u8)]) -> Vec<String> {
        let (mut lines, mut sessions) = (Vec::new(), [0_u8; 3]);
        let begin = clock::now().as_micros();
        for (index, (happens, which)) in all.iter().enumerate() {
            let seq = index as u64 + 1;
            let at = Timestamp::from_micros(begin + i64::try_from(seq).unwrap());
            let record = |kind| AuditRecord::new(kind, at);
            let person = PersonId::parse(["alice", "bruno", "zoe"][usize::from(*which)]).unwrap();
            let owner = format!("client c{which}");
            let record = match happens {
                Happens::Step(kind) => record(*kind)
                    .person(&person)
                    .intervention(InterventionId::from_uuid(id(*which)))
                    .detail("number", u64::from(*which))
                    .detail(keys::INTERVENTION, format!("{seq:064x}")),
                Happens::Document { is_out } => record(AuditKind::DocumentChange)
                    .client(&ClientId::parse("hopital").unwrap())
                    .detail("version", seq)
                    .detail(keys::DOCUMENT_OF, owner)
                    .detail(
                        keys::DOCUMENT,
                        Some(format!("{seq:064x}")).filter(|_| !is_out),
                    ),
                // Each begins and ends once.
                Happens::Session => {
                    let times = &mut sessions[usize::from(*which)];
                    *times += 1;
                    let kind = match times {
                        1 => AuditKind::SessionStart,
                        2 => AuditKind::SessionEnd,
                        _ => AuditKind::LogOn,
                    };
                    record(kind).session(SessionId::from_uuid(id(*which)))
                }
                Happens::Lockout { lasts } => {
                    let until = at.as_micros() + lasts;
                    let blocks = json!({ person_subject(person.as_str()): until });
                    record(AuditKind::Lockout)
                        .person(&person)
                        .detail(BLOCKS, blocks)
                }
                Happens::Lifted(kind) => record(*kind).person(&person),
                Happens::Found => record(AuditKind::NotOnRecord)
                    .detail(keys::DOCUMENT_OF, owner)
                    .detail(keys::CONTRADICTED, format!("salted {seq}")),
                Happens::Removed => record(AuditKind::EntriesDestroyed)
                    .detail("entries", seq)
                    .detail("leaves-sha256", "00"),
                Happens::Try => record(AuditKind::LogOnRefused)
                    .person(&person)
                    .refused()
                    .detail(
                        COUNTED,
                        json!({ person_subject(person.as_str()): at.as_micros() }),
                    ),
                Happens::Code => record(AuditKind::LogOn)
                    .person(&person)
                    .permitted()
                    .detail(CODE_STEP, seq % 7),
                Happens::Secret(kind) => record(*kind)
                    .person(&person)
                    .detail(SECRET, format!("enrolment of {person}"))
                    .detail(SEALED, format!("{seq:064x}")),
                Happens::Cleared(kind) => record(*kind)
                    .person(&PersonId::parse("odile").unwrap())
                    .client(&ClientId::parse("hopital").unwrap())
                    .reason(seq)
                    .detail(PEOPLE, vec![format!("maintech/{person}")])
                    .detail(KEPT_OUT, format!("person {person}")),
                Happens::Nothing => record(AuditKind::LogOff),
            };
            let place = Place {
                salt: format!("{seq:032x}"),
                seq,
                event: id(9),
                nth: None,
                previous: None,
            };
            let line = record.to_entry(place).to_line().unwrap();
            lines.push(String::from_utf8(line).unwrap());
        }
        lines
    }

    /// What is known in the end.
    fn known(said: &Said) -> String {
        let mut known = String::new();
        let interventions: BTreeMap<_, _> = said.interventions.iter().collect();
        write!(
            known,
            "{:?} {:?} {:?} {:?} {} {:?} {:?} {interventions:?} {:?} {:?} {} {:?} {:?} {:?}",
            (&said.codes, &said.lives, said.clearances.all()),
            said.secrets,
            said.open,
            said.ended,
            said.blocks.all(),
            said.destructions,
            (said.begun, said.old_version),
            said.documents,
            said.known,
            said.document_words,
            said.told,
            said.places.dates(),
            said.witness.frontier(),
        )
        .unwrap();
        known
    }

    fn leaf(line: &str) -> Hash {
        leaf_hash(line.as_bytes())
    }

    proptest! {
        /// R3: whatever words are away when a log is read, and in whatever order they come back, in the end there is known what
        /// reading it in order makes known.
        #[test]
        fn r3_words_that_come_late_take_their_place(
            all in proptest::collection::vec(happens(), 1..40),
            late in proptest::collection::vec(any::<u16>(), 40),
        ) {
            let lines = log(&all);
            let mut in_order = Said::default();
            for line in &lines {
                in_order.next(leaf(line), Some(line.as_str()), None, false);
            }
            // Each place has a moment when its words can be read: before the next is, or that many places later.
            let mut said = Said::default();
            let mut away: Vec<(u64, usize)> = Vec::new();
            for (index, line) in lines.iter().enumerate() {
                let is_away = late[index] % 3 != 0;
                said.next(leaf(line), Some(line.as_str()).filter(|_| !is_away), None, false);
                if is_away {
                    away.push((u64::from(late[index] / 3) % 64 + index as u64, index));
                    prop_assert!(said.owes_after(index as u64));
                }
                away.retain(|(until, place)| {
                    let is_back = *until <= index as u64;
                    if is_back {
                        said.came_late(*place as u64 + 1, leaf(&lines[*place]), &lines[*place]);
                    }
                    !is_back
                });
            }
            away.sort_unstable();
            for (_, place) in away {
                prop_assert!(said.owes_after(0));
                said.came_late(place as u64 + 1, leaf(&lines[place]), &lines[place]);
            }
            prop_assert!(!said.owes_after(0));
            prop_assert_eq!(known(&said), known(&in_order));
        }
    }
}
