//! A gateway's evidence made by hand: a journal, sealed recordings and a bundle of them, every part open to be changed
//! before or after it is signed, as an administrator who holds the machine could.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ecluse_recordings::bundle::{self, EntryProof, ProofsHead, write_sums};
use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::evidence::manifest::{ClockReading, Form, Manifest, sha256_hex};
use ecluse_recordings::evidence::signature::{
    BUNDLE_NAMESPACE, HeldKey, RECORDING_NAMESPACE, Signer as _, allowed_signers, sign_file,
};
use ecluse_recordings::log::{
    Checkpoint, Entry, Frontier, Hash, NodeId, SignedNote, VerifierKey, consistency_proof,
    inclusion_proof, leaf_hash,
};
use ecluse_recordings::verify::{Options, Report, Verdict, verify};
use ecluse_recordings::{
    Approval, ChannelKind, ChannelOpened, Event, JournalFrames, Outcome, Protection, Pty, Recorder,
    Recovery, Sealing, SessionEnd, SessionFacts, layout, recover, seal, seal_as_journal,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// 2026-11-25T10:00:00Z.
pub const START: i64 = 1_795_600_800_000_000;
pub const MINUTE: i64 = 60_000_000;
pub const ORIGIN: &str = "ecluse.example/gw1";
pub const WITNESS: &str = "hopital.example/witness";

pub fn gateway() -> HeldKey {
    HeldKey::from_seed(&[1; 32]).unwrap()
}

pub fn stranger() -> HeldKey {
    HeldKey::from_seed(&[66; 32]).unwrap()
}

pub fn witness() -> HeldKey {
    HeldKey::from_seed(&[3; 32]).unwrap()
}

pub fn log_key() -> VerifierKey {
    VerifierKey::log(ORIGIN, gateway().public()).unwrap()
}

pub fn witness_key() -> VerifierKey {
    VerifierKey::cosigner(WITNESS, witness().public()).unwrap()
}

pub fn session(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

/// How a recording came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Closed and sealed as files.
    Closed,
    /// Closed, and sealed as the encrypted journal by a gateway without the key.
    ClosedJournal,
    /// Cut short inside a frame, and recovered as files.
    CutShort,
    /// The same by a gateway without the key.
    CutShortJournal,
}

/// One sealed recording's directory, by file name.
#[derive(Clone)]
pub struct Recording {
    pub manifest: Manifest,
    pub key: RecordingKey,
    pub files: BTreeMap<String, Vec<u8>>,
    /// What its files hold, by plain name.
    pub plain: BTreeMap<String, Vec<u8>>,
    /// Frames, bytes and seal after each frame.
    pub marks: Vec<(u64, u64, String)>,
    pub form: &'static str,
}

impl Recording {
    /// Writes the manifest and signs it, whatever it says.
    pub fn seal(&mut self, signer: &HeldKey) {
        let text = self.manifest.to_text().unwrap();
        let signature = sign_file(signer, RECORDING_NAMESPACE, &text).unwrap();
        self.files.insert("manifest.json".to_owned(), text);
        self.files
            .insert("manifest.json.sig".to_owned(), signature.into_bytes());
    }

    /// Puts another file into its place, and its digest into the manifest.
    pub fn replace(&mut self, name: &str, bytes: Vec<u8>) {
        for file in self
            .manifest
            .files
            .iter_mut()
            .filter(|file| file.name == name)
        {
            file.bytes = bytes.len() as u64;
            file.sha256 = sha256_hex(&bytes);
        }
        self.files.insert(name.to_owned(), bytes);
    }

    pub fn digest(&self) -> String {
        sha256_hex(&self.files["manifest.json"])
    }
}

/// `zstd | age` for one key, as artefacts are.
pub fn artefact(key: &RecordingKey, plain: &[u8]) -> Vec<u8> {
    let recipient: age::x25519::Recipient = key.public().to_string().parse().unwrap();
    let packed = zstd::encode_all(plain, 3).unwrap();
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .unwrap();
    let mut out = Vec::new();
    let mut writer = encryptor.wrap_output(&mut out).unwrap();
    writer.write_all(&packed).unwrap();
    writer.finish().unwrap();
    out
}

fn facts(number: u8) -> SessionFacts {
    SessionFacts {
        session: session(number),
        client: "hopital".to_owned(),
        person: "alice".to_owned(),
        provider: Some("acme".to_owned()),
        station: Some("acme-17".to_owned()),
        source: "203.0.113.9:53122".to_owned(),
        terminal: "ssh 192.0.2.1:22".to_owned(),
        target: "press-4".to_owned(),
        accounts: vec!["root".to_owned()],
        intervention: Some(session(99)),
        started: START + MINUTE * i64::from(number),
        documents_version: 12,
        reason: "<b>pump</b> \u{202e} alarm".to_owned(),
        approvals: vec![Approval {
            by: "bernard".to_owned(),
            at: START,
            what: "press-4: shell".to_owned(),
        }],
    }
}

fn record(recorder: &Recorder) {
    let opened = ChannelOpened {
        kind: ChannelKind::Shell,
        command: None,
        account: Some("root".to_owned()),
        pty: Some(Pty {
            term: "xterm".to_owned(),
            cols: 80,
            rows: 24,
        }),
        env: Vec::new(),
    };
    let reading = ClockReading {
        at_us: 0,
        source: "ntp ntp1.example".to_owned(),
        offset_us: Some(-120),
        jumped_us: None,
    };
    let events = [
        (0, Event::Clock(std::borrow::Cow::Owned(reading))),
        (0, Event::Note("admitted")),
        (1, Event::opened(&opened)),
        (1, Event::Output(b"$ ")),
        (1, Event::Input(b"uptime\r")),
        (1, Event::Output(b"uptime\r\n 10:00:00 up 12 days\r\n$ ")),
        (1, Event::Output(b"\xff\xfe\r\nPassword: ")),
        (1, Event::Input(b"hunter2\r")),
        (1, Event::Output(b"\r\n$ ")),
        (1, Event::closed("closed")),
    ];
    for (at_us, (channel, event)) in (1u64..).zip(events) {
        recorder.append(channel, at_us * 1000, event).unwrap();
    }
}

/// A recording of the session with that number, for the client's key and the gateway's.
pub fn recording(number: u8, client: &Identity, made: Made) -> Recording {
    let root = tempfile::tempdir().unwrap();
    let recipients = vec![client.public(), Identity::generate().public()];
    let protection = Protection::for_recipients(recipients).unwrap();
    let recorder = Recorder::open(root.path(), facts(number), protection, None).unwrap();
    record(&recorder);
    let key = recorder.key().clone();
    let live = recorder.journal().to_path_buf();
    let signer = gateway();
    let sealing = Sealing {
        signer: &signer,
        ours: &[signer.public()],
        by: "ecluse 0.1.0",
        now: START + MINUTE * i64::from(number) + 400_000,
        screen_text: &|_| true,
    };
    let cut = matches!(made, Made::CutShort | Made::CutShortJournal);
    let closed = (!cut).then(|| {
        recorder
            .close(300_000, &SessionEnd::because("closed"))
            .unwrap()
    });
    drop(recorder);
    let mut marks = Vec::new();
    let mut frames = JournalFrames::open(&live).unwrap();
    while let Some(frame) = frames.next_frame().unwrap() {
        marks.push((frames.frames(), frames.offset(), frame.seal.to_string()));
    }
    if cut {
        let mut journal = std::fs::OpenOptions::new()
            .append(true)
            .open(&live)
            .unwrap();
        journal.write_all(&[40, 0, 0, 0, 9]).unwrap();
    }
    let sealed = match (&closed, made) {
        (Some(closed), Made::ClosedJournal) => seal_as_journal(closed, false, &sealing).unwrap(),
        (Some(closed), _) => seal(closed, &key, &sealing).unwrap(),
        (None, _) => {
            let unwrap = |_: &[u8]| (made == Made::CutShort).then(|| key.clone());
            let recovery = Recovery {
                unwrap: &unwrap,
                known: &|_| Ok(None),
                sealing,
            };
            let outcome = recover(root.path(), &recovery).unwrap().remove(0).outcome;
            let Outcome::Sealed { recording, .. } = outcome else {
                panic!("{outcome:?}")
            };
            *recording
        }
    };
    sealed.remove_journal().unwrap();
    let dir = live.parent().unwrap();
    let files: BTreeMap<String, Vec<u8>> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    let open = sealed.unlock(std::slice::from_ref(client)).unwrap();
    let plain = files
        .keys()
        .filter_map(|name| name.strip_suffix(layout::SEALED_SUFFIX))
        .map(|name| {
            let mut bytes = Vec::new();
            open.open(name).unwrap().read_to_end(&mut bytes).unwrap();
            (name.to_owned(), bytes)
        })
        .collect();
    Recording {
        manifest: sealed.manifest().clone(),
        key,
        files,
        plain,
        marks,
        form: match sealed.manifest().form {
            Form::Files => "files",
            Form::Journal => "journal",
        },
    }
}

/// The journal: entries as they were hashed.
#[derive(Clone, Default)]
pub struct Journal {
    pub lines: Vec<Vec<u8>>,
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
        self.add(
            "session-start",
            id,
            json!({"journal-header-sha256": journal.header_sha256}),
        );
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
        }
    }

    pub fn consistency(&self, old: u64) -> Vec<Hash> {
        let (nodes, _) = self.nodes();
        consistency_proof(old, self.size(), &|id| nodes.get(&id).copied()).unwrap()
    }

    /// Entries, proofs and checkpoint as a bundle has them. Entries without a session belong to other clients.
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
            if Entry::parse(line).unwrap().session.is_none() {
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

/// The files of a bundle, before or after they are signed.
#[derive(Clone, Default)]
pub struct Bundle {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    pub fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(name.to_owned(), bytes.into());
    }

    pub fn put_recording(&mut self, recording: &Recording) {
        self.put_recording_as(recording, recording.manifest.session());
    }

    pub fn put_recording_as(&mut self, recording: &Recording, session: Uuid) {
        for (name, bytes) in &recording.files {
            self.put(&format!("recordings/{session}/{name}"), bytes.clone());
        }
    }

    /// Makes the list of files anew and signs it.
    pub fn sign(&mut self, signer: &HeldKey) {
        let sums = self
            .files
            .iter()
            .filter(|(name, _)| !name.starts_with("SHA256SUMS"))
            .map(|(name, bytes)| (name.clone(), Sha256::digest(bytes).into()))
            .collect();
        let text = write_sums(&sums);
        let signature = sign_file(signer, BUNDLE_NAMESPACE, text.as_bytes()).unwrap();
        self.put(bundle::SUMS, text);
        self.put(bundle::SUMS_SIGNATURE, signature);
    }

    /// Turns one bit of one file.
    pub fn flip(&mut self, name: &str) {
        let bytes = self
            .files
            .get_mut(name)
            .unwrap_or_else(|| panic!("no file {name}"));
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x04;
    }

    pub fn tar(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(tar::EntryType::Regular);
            builder
                .append_data(&mut header, name, bytes.as_slice())
                .unwrap();
        }
        builder.into_inner().unwrap()
    }

    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("bundle.tar");
        std::fs::write(&path, self.tar()).unwrap();
        path
    }

    /// Verifies it as somebody would who knows the gateway's keys and kept nothing else.
    pub fn verify(&self) -> Report {
        self.verify_with(&trusting())
    }

    pub fn verify_with(&self, options: &Options) -> Report {
        let directory = tempfile::tempdir().unwrap();
        verify(&self.write(directory.path()), options).unwrap()
    }
}

/// Whoever verifies has the gateway's and the witness's keys from elsewhere.
pub fn trusting() -> Options {
    Options {
        signers: vec![gateway().public()],
        log_keys: vec![log_key(), witness_key()],
        ..Options::default()
    }
}

/// The same, with a key that reads recordings.
pub fn reading(site: &Site) -> Options {
    Options {
        identities: vec![site.client.clone()],
        ..trusting()
    }
}

/// Everything of one gateway.
#[derive(Clone)]
pub struct Site {
    pub client: Identity,
    pub recordings: Vec<Recording>,
    pub journal: Journal,
}

impl Site {
    /// A gateway with two recordings and a journal that has entries of others, too.
    pub fn new() -> Self {
        Self::made(Made::Closed)
    }

    /// The same, the first recording having come about so.
    pub fn made(made: Made) -> Self {
        let client = Identity::generate();
        let mut journal = Journal::default();
        journal.add("serve-start", None, json!({}));
        let recordings = vec![
            recording(7, &client, made),
            recording(8, &client, Made::Closed),
        ];
        for recording in &recordings {
            journal.add_session(recording);
            journal.add("log-on", None, json!({}));
        }
        Site {
            client,
            recordings,
            journal,
        }
    }

    pub fn id(&self, at: usize) -> Uuid {
        self.recordings[at].manifest.session()
    }

    /// Where a file of a recording is in the bundle.
    pub fn path(&self, at: usize, name: &str) -> String {
        format!("recordings/{}/{name}", self.id(at))
    }

    /// The bundle of all this, signed.
    pub fn bundle(&self) -> Bundle {
        let mut bundle = self.unsigned();
        bundle.sign(&gateway());
        bundle
    }

    /// The same, without the signed list.
    pub fn unsigned(&self) -> Bundle {
        let mut bundle = Bundle::default();
        for recording in &self.recordings {
            bundle.put_recording(recording);
        }
        self.journal.put_into(&mut bundle, &gateway());
        bundle.put(
            bundle::ALLOWED_SIGNERS,
            allowed_signers(&[gateway().public()]),
        );
        bundle.put(
            bundle::LOG_KEYS,
            format!("{}\n{}\n", log_key(), witness_key()),
        );
        bundle.put("VERIFY.md", "# How to check\n");
        bundle.put("index.html", "<!DOCTYPE html>\n");
        bundle.put("documents/v12/clients/hopital.toml", "name = \"hopital\"\n");
        bundle.put("interventions/12.json", "{}\n");
        bundle
    }
}

/// Asserts the verdict, and that a finding of that verdict names the file or entry.
#[track_caller]
pub fn assert_found(report: &Report, verdict: Verdict, place: &str) {
    assert_eq!(report.verdict, verdict, "{}", report.text());
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.verdict == verdict && finding.place.contains(place)),
        "nothing about {place} in\n{}",
        report.text()
    );
}

#[track_caller]
pub fn assert_intact(report: &Report) {
    assert_eq!(report.verdict, Verdict::Intact, "{}", report.text());
    assert!(report.findings.is_empty(), "{}", report.text());
}
