//! However often a journal is read for it, the same files come out.

use super::*;
use crate::evidence::key::Identity;
use crate::survey::survey;
use crate::{ChannelKind, Protection, Pty, Recorder, SessionEnd, SessionFacts, passes};
use std::path::PathBuf;

/// Files in memory, by name.
#[derive(Default, PartialEq, Eq, Debug)]
struct InMemory {
    files: BTreeMap<String, Vec<u8>>,
    open: usize,
    most_open: usize,
}

impl Artefacts for InMemory {
    type Out = Vec<u8>;

    fn create(&mut self, _name: &str, _about: u64) -> Result<Self::Out, FinishError> {
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
        Ok(Vec::new())
    }

    fn finish(&mut self, name: &str, out: Self::Out) -> Result<(), FinishError> {
        self.open -= 1;
        assert!(self.files.insert(name.to_owned(), out).is_none(), "{name}");
        Ok(())
    }
}

pub(crate) fn facts() -> SessionFacts {
    SessionFacts {
        session: uuid::Uuid::from_u128(5),
        client: "hopital".into(),
        person: "alice".into(),
        provider: None,
        station: None,
        source: "127.0.0.1:1".into(),
        terminal: "ssh".into(),
        target: "db01".into(),
        accounts: vec![],
        intervention: None,
        started: 0,
        documents_version: 1,
        reason: "disque".into(),
        approvals: vec![],
    }
}

/// Channels that overlap, with everything that can happen on one, and notes before, between and after.
pub(crate) fn journal(root: &Path) -> (Recorder, PathBuf) {
    let client = Identity::generate();
    let protection = Protection::for_recipients(vec![client.public()]).unwrap();
    let recorder = Recorder::open(root, facts(), protection, None).unwrap();
    let mut at = 0;
    let mut say = |channel: u32, event: Event<'_>| {
        at += 1000;
        recorder.append(channel, at, event).unwrap();
    };
    say(0, Event::Note("begins"));
    for channel in 1..=40u32 {
        let shell = channel % 3 == 0;
        let pty = shell.then(|| Pty {
            term: "xterm".into(),
            cols: 80,
            rows: 24,
            modes: Vec::new(),
        });
        let kind = if shell {
            ChannelKind::Shell
        } else {
            ChannelKind::Exec
        };
        let opened = ChannelOpened {
            kind,
            command: None,
            account: None,
            pty,
            env: vec![],
        };
        say(channel, Event::opened(&opened));
        say(channel, Event::Note("opened"));
        say(channel, Event::Output(b"Password: "));
        say(channel, Event::Input(b"secret\r"));
        if channel > 20 {
            let closing = channel - 20;
            say(closing, Event::ErrorOutput(b"no \xff text\n"));
            say(closing, Event::Refusal("not allowed"));
            say(closing, Event::ExitStatus(closing));
            say(closing, Event::closed("closed"));
            say(closing, Event::Note("after its end"));
        }
    }
    for channel in 21..=40 {
        say(
            channel,
            Event::Resize {
                cols: 100,
                rows: 30,
            },
        );
        say(channel, Event::Output("écluse\r\n".as_bytes()));
        say(channel, Event::Marker("here"));
    }
    say(0, Event::Note("ends"));
    recorder.close(at, &SessionEnd::because("closed")).unwrap();
    let path = recorder.journal().to_path_buf();
    (recorder, path)
}

#[test]
fn in_many_passes_the_same_files_and_the_same_record_come_out_as_in_one() {
    let root = tempfile::tempdir().unwrap();
    let (recorder, path) = journal(root.path());
    let reopen = || JournalReader::open(&path, recorder.key());
    let found = survey(&mut reopen().unwrap()).unwrap();

    let mut at_once = InMemory::default();
    let passes = vec![Pass::of_everything()];
    let record = convert(reopen, found.clone(), passes, &mut at_once, 0, Some(true)).unwrap();
    assert_eq!(record.channels.len(), 40);
    assert!(record.notes > 2);
    assert!(at_once.files.contains_key(layout::NOTES) && at_once.files.contains_key(layout::TEXT));

    for memory in [0, 100 << 10, 1 << 20] {
        let passes = passes::plan(&found.channels, memory);
        assert!(passes.len() > 1, "{memory}");
        let mut in_passes = InMemory::default();
        let again = convert(reopen, found.clone(), passes, &mut in_passes, 0, Some(true)).unwrap();
        assert_eq!(again, record, "{memory}");
        assert_eq!(in_passes.files, at_once.files, "{memory}");
        assert!(in_passes.most_open < at_once.most_open, "{memory}");
    }
}
