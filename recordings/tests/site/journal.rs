//! The gateway's journal: entries, its tree, and what a bundle has of both.

use std::collections::HashMap;

use ecluse_recordings::bundle::{self, EntryProof, ProofsHead};
use ecluse_recordings::evidence::manifest::sha256_hex;
use ecluse_recordings::evidence::signature::HeldKey;
use ecluse_recordings::log::{
    Checkpoint, Entry, Frontier, Hash, NodeId, SignedNote, consistency_proof, inclusion_proof,
    leaf_hash,
};
use serde_json::json;
use uuid::Uuid;

use super::{Bundle, MINUTE, ORIGIN, Recording, START, WITNESS, witness};

/// The journal: entries as they were hashed.
#[derive(Clone, Default)]
pub struct Journal {
    pub lines: Vec<Vec<u8>>,
    /// The gateway on which sessions begin, where their entries tell.
    pub node: Option<String>,
}

impl Journal {
    /// Appends an entry, with the number that comes next.
    pub fn add(&mut self, kind: &str, of: Option<Uuid>, detail: serde_json::Value) -> u64 {
        let seq = self.lines.len() as u64 + 1;
        let entry = Entry {
            salt: format!("{:032x}", seq * 7919),
            seq,
            at_us: START + MINUTE * seq as i64,
            kind: kind.to_owned(),
            person: Some("alice".to_owned()),
            client: Some("hopital".to_owned()),
            session: of.map(|id| id.to_string()),
            detail: detail.as_object().cloned().unwrap_or_default(),
            ..Entry::default()
        };
        self.lines.push(entry.to_line().unwrap());
        seq
    }

    /// What the journal says about a whole session.
    pub fn add_session(&mut self, recording: &Recording) {
        let id = Some(recording.manifest.session());
        let journal = &recording.manifest.journal;
        let mut start = json!({"journal-header-sha256": journal.header_sha256});
        if let Some(node) = &self.node {
            start["node-sha256"] = sha256_hex(node.as_bytes()).into();
        }
        self.add("session-start", id, start);
        self.add("approval", None, json!({}));
        let middle = &recording.marks[recording.marks.len() / 2];
        for (frames, bytes, seal) in [middle, recording.marks.last().unwrap()] {
            self.add(
                "recording-progress",
                id,
                json!({"frames": frames, "bytes": bytes, "last-seal": seal}),
            );
        }
        self.add("session-end", id, json!({}));
        self.add(
            "recording-sealed",
            id,
            json!({"manifest-sha256": recording.digest(), "form": recording.form, "cut-short": recording.manifest.cut_short}),
        );
    }

    pub fn size(&self) -> u64 {
        self.lines.len() as u64
    }

    pub fn nodes(&self) -> (HashMap<NodeId, Hash>, Hash) {
        let mut frontier = Frontier::new();
        let mut nodes = HashMap::new();
        for line in &self.lines {
            for (level, index, hash) in frontier.push(leaf_hash(line)) {
                nodes.insert((level, index), hash);
            }
        }
        (nodes, frontier.root())
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: ORIGIN.to_owned(),
            size: self.size(),
            root: self.nodes().1,
            at_us: START + 48 * 60 * MINUTE,
        }
    }

    /// The same journal as it was when it had `size` entries.
    pub fn at(&self, size: u64) -> Journal {
        Journal {
            lines: self.lines[..usize::try_from(size).unwrap()].to_vec(),
            node: self.node.clone(),
        }
    }

    pub fn consistency(&self, old: u64) -> Vec<Hash> {
        let (nodes, _) = self.nodes();
        consistency_proof(old, self.size(), &|id| nodes.get(&id).copied()).unwrap()
    }

    /// Entries, proofs and checkpoint as a bundle has them. Entries without a session and without a number
    /// belong to other clients.
    pub fn put_into(&self, bundle: &mut Bundle, signer: &HeldKey) {
        let (nodes, root) = self.nodes();
        let head = ProofsHead {
            size: self.size(),
            root,
        };
        let mut entries = Vec::new();
        let mut proofs = serde_json::to_vec(&head).unwrap();
        proofs.push(b'\n');
        for (index, line) in (0u64..).zip(&self.lines) {
            let entry = Entry::parse(line).unwrap();
            if entry.session.is_none() && entry.nth.is_none() {
                continue;
            }
            entries.extend_from_slice(line);
            entries.push(b'\n');
            let proof = EntryProof {
                seq: index + 1,
                proof: inclusion_proof(index, self.size(), &|id| nodes.get(&id).copied()).unwrap(),
            };
            proofs.extend(serde_json::to_vec(&proof).unwrap());
            proofs.push(b'\n');
        }
        bundle.put(bundle::ENTRIES, entries);
        bundle.put(bundle::PROOFS, proofs);
        let note = SignedNote::sign(&self.checkpoint(), signer)
            .unwrap()
            .cosign(WITNESS, &witness(), 1_795_773_600)
            .unwrap();
        bundle.put(bundle::CHECKPOINT, note.text().into_bytes());
    }
}
