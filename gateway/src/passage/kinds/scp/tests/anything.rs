//! Whatever either side sends, in whichever pieces.

use bytes::BytesMut;
use ecluse_policy::capability::files::FileRequest;
use proptest::prelude::*;

use super::support::*;
use crate::passage::kinds::scp::wire::{Control, Reply};

const TREE: &[(&str, &str, Nature)] = &[
    ("/srv/in", "/srv/in", Nature::Directory),
    ("/srv/in/file", "/srv/in/file", Nature::File),
    ("/srv/in/d", "/srv/in/d", Nature::Directory),
    ("/srv/in/d/x", "/srv/in/d/x", Nature::File),
    ("/srv/in/link", "/etc/shadow", Nature::File),
    ("/srv/in/d/up", "/etc", Nature::Directory),
    ("/srv/in/odd", "", Nature::Nothing),
];
const RULES: &[&str] = &[
    "sftp-read: /srv/in/**",
    "sftp-write: /srv/in/**",
    "sftp-list: /srv/in",
    "sftp-list: /srv/in/**",
    "sftp-mkdir: /srv/in/**",
];

const SAID: &[&[u8]] = &[
    b"\0",
    b"\0\0",
    b"\x01no\n",
    b"\x02gone\n",
    b"T1 0 1 0\n",
    b"E\n",
    b"C0644 3 file\n",
    b"C0644 3 x\n",
    b"C0644 0 link\n",
    b"D0755 0 d\n",
    b"D0755 0 up\n",
    b"abc",
    b"abc\0",
    b"C0644 3 ..\n",
    b"C0644 3 odd\n",
    b"C06",
    b"44 3 ",
    b"file\n",
];

/// Bytes that look like the protocol, and some that do not.
fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => proptest::sample::select(SAID).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

const COMMANDS: &[&str] = &[
    "scp -t /srv/in",
    "scp -r -p -t /srv/in",
    "scp -f /srv/in/file",
    "scp -r -p -f /srv/in/d",
    "scp -f /srv/in/* /srv/in/file",
    "scp -t /srv/in/new",
];

/// What must hold of a record, whatever was sent.
fn holds(record: &Record, stays_within: bool) -> Result<(), TestCaseError> {
    let path = match &record.request {
        Some(
            FileRequest::Open { path, .. }
            | FileRequest::List(path)
            | FileRequest::MakeDirectory(path)
            | FileRequest::SetAttributes(path)
            | FileRequest::Look(path),
        ) => path,
        Some(other) => panic!("{other:?}"),
        None => return Ok(()),
    };
    if stays_within {
        prop_assert!(path.as_bytes().starts_with(b"/srv/in"), "{record:?}");
    }
    if let Some(moved) = &record.moved
        && moved.digest.is_some()
    {
        prop_assert_eq!(Some(moved.read + moved.written), moved.size);
    }
    Ok(())
}

fn reads_as_a_sink(stream: &[u8]) -> Result<(), TestCaseError> {
    let mut held = BytesMut::from(stream);
    while Reply::take(&mut held)
        .map_err(|fault| {
            TestCaseError::fail(format!("{fault}: {:?}", String::from_utf8_lossy(stream)))
        })?
        .is_some()
    {}
    prop_assert!(held.is_empty(), "an answer without its end");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Nothing that leads elsewhere passes; what passes was asked for; whatever is said, it is said to its end.
    #[test]
    fn any_conversation_stays_within_its_lines(command in proptest::sample::select(COMMANDS), said in proptest::collection::vec((any::<bool>(), some_bytes()), 0..40)) {
        let mut channel = Channel::open(command, RULES, TREE);
        channel.leads_out = &["link", "up", "odd"];
        for (is_target, bytes) in said {
            if channel.stopped.is_some() {
                break;
            }
            if is_target {
                channel.target_says(&bytes);
            } else {
                channel.technician_says(&bytes);
            }
        }
        if channel.stopped.is_none() {
            channel.finish();
        }
        for record in &channel.log {
            holds(record, !matches!(record.outcome, Outcome::Refused(_)))?;
        }
        // The link, the way up and the name that is none never reach whoever would follow them. Where the target is one file, what the client
        // calls it means nothing.
        for entry in &channel.entries {
            let Ok(Some(Control::Entry(entry))) = Control::take(&mut BytesMut::from(&entry[..])) else { panic!("{entry:?}") };
            let leads_out = matches!(&entry.name[..], b"link" | b"up" | b"odd") && command != "scp -t /srv/in/new";
            prop_assert!(!leads_out && &entry.name[..] != b"..", "{:?}", channel.entries);
        }
        // The source hears answers alone, the gateway's words among them.
        let to_source = if command.contains("-t") { &channel.to_technician } else { &channel.to_target };
        reads_as_a_sink(to_source)?;
    }

    /// However a conversation is cut, the same bytes pass and the same is on record.
    #[test]
    fn any_cut_gives_the_same(command in proptest::sample::select(COMMANDS), said in proptest::collection::vec((any::<bool>(), some_bytes()), 0..25)) {
        let run = |is_cut: bool| {
            let mut channel = Channel::open(command, RULES, TREE);
            for (is_target, bytes) in &said {
                let pieces: Vec<&[u8]> = if is_cut { bytes.chunks(1).collect() } else { vec![bytes] };
                for piece in pieces {
                    if channel.stopped.is_some() {
                        break;
                    }
                    if *is_target {
                        channel.target_says(piece);
                    } else {
                        channel.technician_says(piece);
                    }
                }
            }
            let log: Vec<_> = channel.log.iter().map(|record| (record.request.clone(), record.outcome.clone(), record.moved.clone())).collect();
            (channel.to_target, channel.to_technician, channel.stopped, channel.payload, log)
        };
        prop_assert_eq!(run(true), run(false));
    }

    /// Any files pass as they are, in any pieces, and their digests are theirs.
    #[test]
    fn any_files_pass_as_they_are(files in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..6), piece in 1usize..64) {
        let mut channel = Channel::open("scp -t /srv/in", RULES, TREE);
        channel.target_says(b"\0");
        let mut expected = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let line = format!("C0644 {} n{number}\n", file.len());
            channel.technician_says(line.as_bytes());
            let name = format!("/srv/in/n{number}");
            channel.tree.insert(name.clone(), (name, Nature::File));
            channel.target_says(b"\0");
            let sent = [&file[..], b"\0"].concat();
            sent.chunks(piece).for_each(|part| channel.technician_says(part));
            channel.target_says(b"\0");
            expected.extend([line.as_bytes(), &sent].concat());
        }
        prop_assert_eq!(&channel.to_target, &expected);
        let digests: Vec<_> = channel.log.iter().map(|record| record.moved.as_ref().unwrap().digest).collect();
        prop_assert_eq!(digests, files.iter().map(|file| Some(sha256(file))).collect::<Vec<_>>());
    }

    /// A client that receives a tree some of which is refused: it reads lines and files, never words within a file, and has what is listed.
    #[test]
    fn a_client_that_receives_is_never_out_of_step(files in proptest::collection::vec((any::<bool>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)), 1..8)) {
        let mut channel = Channel::open("scp -r -p -f /srv/in/d", RULES, TREE);
        let mut client = Client::default();
        channel.technician_says(b"\0");
        let mut target: Vec<(Vec<u8>, Vec<u8>)> = vec![(b"D0755 0 d\n".to_vec(), Vec::new())];
        let mut expected = Vec::new();
        for (number, (is_listed, has_times, file)) in files.iter().enumerate() {
            let name = format!("n{number}");
            let place = format!("/srv/in/d/{name}");
            let leads = if *is_listed { place.clone() } else { format!("/etc/{name}") };
            channel.tree.insert(place, (leads, Nature::File));
            if *has_times {
                target.push((b"T1 0 1 0\n".to_vec(), Vec::new()));
            }
            target.push((format!("C0644 {} {name}\n", file.len()).into_bytes(), [&file[..], b"\0"].concat()));
            if *is_listed {
                expected.push((name, file.clone()));
            }
        }
        target.push((b"E\n".to_vec(), Vec::new()));
        for (line, data) in target {
            channel.target_hears();
            channel.target_says(&line);
            client.turn(&mut channel);
            let answer = channel.target_hears();
            if !data.is_empty() && answer == b"\0" {
                channel.target_says(&data);
                client.turn(&mut channel);
                prop_assert_eq!(channel.target_hears(), b"\0");
            } else {
                prop_assert!(answer == b"\0" || answer == b"\x01refused\n", "{:?}", answer);
            }
        }
        prop_assert_eq!(channel.stopped, None);
        prop_assert_eq!(&client.files, &expected);
        prop_assert_eq!(client.warnings, files.len() - expected.len());
    }
}

/// A sink as OpenSSH's: it answers each line, and counts bytes of files.
#[derive(Default)]
struct Client {
    held: BytesMut,
    file: Option<(String, usize)>,
    files: Vec<(String, Vec<u8>)>,
    warnings: usize,
}

impl Client {
    fn turn(&mut self, channel: &mut Channel) {
        loop {
            let heard = channel.technician_hears();
            if heard.is_empty() {
                return;
            }
            self.held.extend_from_slice(&heard);
            let mut answers = 0;
            loop {
                if let Some((name, size)) = self.file.take() {
                    if self.held.len() <= size {
                        self.file = Some((name, size));
                        break;
                    }
                    let file = self.held.split_to(size).to_vec();
                    assert_eq!(Reply::take(&mut self.held), Ok(Some(Reply::Yes)));
                    self.files.push((name, file));
                    answers += 1;
                    continue;
                }
                match Control::take(&mut self.held).unwrap() {
                    None => break,
                    Some(Control::Warning(_)) => self.warnings += 1,
                    Some(Control::Entry(entry)) => {
                        answers += 1;
                        if !entry.is_directory {
                            self.file = Some((
                                String::from_utf8(entry.name.to_vec()).unwrap(),
                                usize::try_from(entry.size).unwrap(),
                            ));
                        }
                    }
                    Some(_) => answers += 1,
                }
            }
            (0..answers).for_each(|_| channel.technician_says(b"\0"));
        }
    }
}
