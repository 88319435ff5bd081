//! What the pages of a bundle tell: handed over by whoever makes the bundle, shown and never interpreted.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::LeftOut;
use crate::evidence::manifest::Manifest;
use crate::log::{Checkpoint, VerifierKey};

/// Everything that the index and the guide say.
#[derive(Clone, Debug)]
pub struct Contents {
    /// When the bundle was made. **Unit**: microseconds since 1970, UTC.
    pub made_us: i64,
    /// Which program made it, such as `ecluse 0.1.0`.
    pub made_by: String,
    /// Who asked for it.
    pub asked_by: String,
    /// What was asked for, such as `intervention 12`.
    pub asked_for: String,
    /// Sessions that the entries tell of and whose recordings are not in the bundle.
    pub left_out: Vec<LeftOut>,
    /// The checkpoint that covers every entry.
    pub checkpoint: Checkpoint,
    /// Who cosigned it.
    pub cosigners: Vec<String>,
    /// How many entries of the journal are in the bundle.
    pub entries: u64,
    /// The keys that sign manifests and the list of files.
    pub signers: Vec<[u8; 32]>,
    /// The keys that sign checkpoints.
    pub log_keys: Vec<VerifierKey>,
    /// The recordings, as [`super::BundleWriter::add_recording`] handed them back.
    pub recordings: Vec<Manifest>,
    /// The numbers of their sessions, as people name them.
    pub numbers: BTreeMap<Uuid, u64>,
    /// The interventions.
    pub interventions: Vec<InterventionFacts>,
    /// Names of the document files in the bundle.
    pub documents: Vec<String>,
}

/// A request, and what was decided about it.
#[derive(Clone, Debug)]
pub struct InterventionFacts {
    /// As recordings name it.
    pub id: Uuid,
    /// As people name it.
    pub number: String,
    /// The technician.
    pub person: String,
    /// The client.
    pub client: String,
    /// What was asked for: targets and flows.
    pub asked: Vec<String>,
    /// Why, in the technician's words.
    pub reason: String,
    /// When it was asked. **Unit**: microseconds since 1970, UTC.
    pub requested_us: i64,
    /// What the client granted; none where it never did, or not with as many answers as it takes.
    pub granted: Option<Granted>,
    /// What left and entered; none where nobody had a session of it.
    pub passed: Option<PassedFacts>,
    /// What happened at budgets and was done to sessions of it, each in words with how often.
    pub acts: Vec<String>,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
}

/// What left a client's targets through an intervention, and what entered. **Unit**: payload bytes.
#[derive(Clone, Debug)]
pub struct PassedFacts {
    /// In all, in words, with how certain that is.
    pub sums: Vec<String>,
    /// On each channel, in order.
    pub channels: Vec<PassedOnChannel>,
}

/// What passed on one channel, or on several small ones together.
#[derive(Clone, Debug)]
pub struct PassedOnChannel {
    /// The session, as people name it.
    pub session: String,
    /// The channel's number in it; none of several together.
    pub channel: Option<u32>,
    /// To the technician.
    pub out: u64,
    /// To the target.
    pub into: u64,
    /// A command, or what it was in words.
    pub what: String,
}

/// What the client granted.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Targets and flows; never more than was asked for.
    pub what: Vec<String>,
    /// When.
    pub when: Window,
}

/// When a granted intervention could be used. **Unit**: microseconds since 1970, UTC.
#[derive(Clone, Debug)]
pub enum Window {
    /// From the first use until its end was reached, or would have been.
    Used {
        /// The first use.
        from: i64,
        /// The end that was agreed on.
        until: i64,
    },
    /// It was not used.
    Unused {
        /// From when on it could be.
        from: i64,
        /// For how long from the first use on, in words such as `30m`.
        length: String,
        /// The end at the latest.
        until: i64,
    },
}

/// Who decided what.
#[derive(Clone, Debug)]
pub struct Decision {
    /// When. **Unit**: microseconds since 1970, UTC.
    pub at_us: i64,
    /// Who.
    pub by: String,
    /// What, such as `approval`.
    pub what: String,
    /// In whose words, why; may be empty.
    pub text: String,
}
