//! What a change concerns, by the kinds of its audit records.

use std::collections::BTreeSet;

use super::Topic;
use crate::audit::{AuditKind, AuditRecord};

/// What a kind of record concerns beside the trail that it enters.
enum Concerns {
    TrailAlone,
    Documents,
    /// The intervention that it names.
    Intervention,
    /// A document or an intervention, whichever it names.
    Either,
    Checkpoints,
    Keys,
    Orders,
}

impl AuditKind {
    const fn concerns(self) -> Concerns {
        match self {
            // What clients say of people stands beside their documents.
            Self::DocumentChange
            | Self::KeepOut
            | Self::KeepOutLifted
            | Self::PostureHigh
            | Self::PostureNormal
            | Self::PeopleAccepted
            | Self::PersonRefused
            | Self::ClearanceEnded => Concerns::Documents,
            Self::Request
            | Self::Seen
            | Self::Approval
            | Self::Refusal
            | Self::Cancel
            | Self::Expiry
            | Self::Opening
            | Self::Closing
            // Whoever watches over the session is woken.
            | Self::Hold
            | Self::Resume
            | Self::Slow
            | Self::Question
            | Self::Signal
            | Self::Answer
            | Self::ConfirmAsked
            | Self::ConfirmAnswered
            | Self::Accompanied
            | Self::Unaccompanied => Concerns::Intervention,
            Self::Bound | Self::NotOnRecord => Concerns::Either,
            Self::CheckpointCosigned => Concerns::Checkpoints,
            Self::KeyMade => Concerns::Keys,
            // A node that was taken out and lives has sessions to end.
            Self::CutOrdered | Self::NodeRemoved => Concerns::Orders,
            Self::LogOn
            | Self::LogOnRefused
            | Self::LogOff
            | Self::Lockout
            | Self::CodeProven
            | Self::CodeRefused
            | Self::CodeElsewhere
            | Self::LockoutLifted
            | Self::AccountEnabled
            | Self::ActRefused
            | Self::Admission
            | Self::SessionStart
            | Self::SessionEnd
            | Self::SessionOutlived
            | Self::Permit
            | Self::FlowRefused
            | Self::Forwarded
            | Self::TypingHidden
            | Self::Extraction
            | Self::Idle
            | Self::Receipt
            | Self::TopUp
            | Self::Cut
            | Self::Watch
            | Self::Reached
            | Self::Replay
            | Self::BindingsBegin
            | Self::Enrolment
            | Self::EnrolmentDisabled
            | Self::CredentialSet
            | Self::HostKeyMismatch
            | Self::TargetFailed
            | Self::ClockJump
            | Self::ClockReading
            | Self::LowSpace
            | Self::DoorCrowded
            | Self::DoorClear
            | Self::SessionRefused
            | Self::RecordingFailed
            | Self::CoverageGap
            | Self::RecordingRecovered
            | Self::RecordingSealed
            | Self::RecordingProgress
            | Self::RecordingRewrapped
            | Self::RecordingDestroyed
            | Self::EntriesDestroyed
            | Self::Export
            | Self::Search
            | Self::JournalStart
            | Self::CheckpointFailed
            | Self::CopiesAway
            | Self::CopiesBack
            | Self::ChangesTold
            | Self::TrailCount
            | Self::SettingsChange
            | Self::GatewayStart
            | Self::ServeCutShort
            | Self::GatewayStop => Concerns::TrailAlone,
        }
    }
}

/// Adds what a record concerns, as it enters one trail.
pub(in crate::store) fn add(topics: &mut BTreeSet<Topic>, record: &AuditRecord) {
    topics.insert(Topic::Trail(record.client.clone()));
    let mut intervention = || {
        topics.insert(Topic::Interventions);
        topics.extend(record.intervention.map(Topic::Intervention));
    };
    match record.kind.concerns() {
        Concerns::TrailAlone => {}
        Concerns::Intervention => intervention(),
        Concerns::Either => {
            intervention();
            topics.insert(Topic::Documents);
        }
        Concerns::Documents => {
            topics.insert(Topic::Documents);
        }
        Concerns::Checkpoints => {
            topics.insert(Topic::Checkpoints);
        }
        Concerns::Keys => {
            topics.insert(Topic::Keys);
        }
        Concerns::Orders => {
            topics.insert(Topic::Orders);
        }
    }
}
