//! One sealed recording, made as a gateway makes it, whose files and manifest can then be changed.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use ecluse_recordings::evidence::key::{Identity, RecordingKey};
use ecluse_recordings::evidence::manifest::{ClockReading, Form, Manifest, sha256_hex};
use ecluse_recordings::evidence::signature::{HeldKey, RECORDING_NAMESPACE, Signer, sign_file};
use ecluse_recordings::{
    Approval, ChannelKind, ChannelOpened, Event, JournalFrames, Outcome, Protection, Pty, Recorder,
    Recovery, Sealing, SessionEnd, SessionFacts, layout, recover, seal, seal_as_journal,
};

use super::{MINUTE, START, gateway, session};

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
            modes: Vec::new(),
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
