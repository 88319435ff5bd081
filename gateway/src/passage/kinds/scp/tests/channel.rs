//! One channel, byte by byte: what passes, as it is.

use bytes::Bytes;
use ecluse_policy::capability::files::FileRequest;

use super::support::*;
use super::talk::*;
use crate::passage::kinds::sftp::coverage::Extent;

#[test]
fn r1_a_file_to_the_target_passes_as_it_is_and_is_on_record() {
    let mut channel = upload("scp -p -t /srv/in", WRITES, &[IN]);
    assert_eq!(channel.run.as_deref(), Some("scp -p -d -t /srv/in"));
    channel.technician_says(b"T1700000000 0 1700000001 0\n");
    assert_eq!(channel.technician_hears(), b"\0", "the gateway's own yes");
    assert_eq!(
        channel.target_hears(),
        b"",
        "times go with what they are of"
    );
    channel.technician_says(b"C0644 5 file\n");
    assert_eq!(channel.target_hears(), b"T1700000000 0 1700000001 0\n");
    channel.target_says(b"\0");
    assert_eq!(channel.target_hears(), b"C0644 5 file\n");
    there(&mut channel, "/srv/in/file");
    channel.target_says(b"\0");
    assert_eq!(channel.technician_hears(), b"\0");
    channel.technician_says(b"hel");
    channel.technician_says(b"lo\0");
    assert_eq!(channel.target_hears(), b"hello\0");
    channel.target_says(b"\0");
    assert_eq!(channel.technician_hears(), b"\0");
    channel.finish();
    assert_eq!(channel.stopped, None);
    let [record] = &channel.log[..] else {
        panic!("{:?}", channel.log)
    };
    assert_eq!(
        record.request,
        Some(FileRequest::Open {
            path: path("/srv/in/file"),
            reads: false,
            writes: true
        })
    );
    assert_eq!(
        (&record.outcome, record.typed.as_slice()),
        (&Outcome::Done, &[Bytes::from_static(b"/srv/in/file")][..])
    );
    let moved = record.moved.as_ref().unwrap();
    assert_eq!(
        (moved.written, moved.written_extent, moved.size, moved.read),
        (5, Extent::Whole, Some(5), 0)
    );
    assert_eq!(moved.digest, Some(sha256(b"hello")));
    assert_eq!(channel.payload, 25 + 11 + 5);
}

#[test]
fn r1_a_file_from_the_target_passes_as_it_is_and_is_on_record() {
    let mut channel = download(
        "scp -f x/../file",
        READS,
        &[
            ("x/../file", "/srv/in/file", Nature::File),
            ("/srv/in/file", "/srv/in/file", Nature::File),
        ],
    );
    assert_eq!(
        channel.run.as_deref(),
        Some("scp -f /srv/in/file"),
        "the canonical path in place of the typed one"
    );
    channel.target_says(b"C0600 3 fi");
    assert_eq!(channel.technician_hears(), b"");
    channel.target_says(b"le\n");
    assert_eq!(channel.technician_hears(), b"C0600 3 file\n");
    channel.technician_says(b"\0");
    channel.target_says(b"abc\0");
    assert_eq!(channel.technician_hears(), b"abc\0");
    channel.technician_says(b"\0");
    assert_eq!(channel.target_hears(), b"\0\0");
    let moved = channel.log[0].moved.as_ref().unwrap();
    assert_eq!(
        (moved.read, moved.read_extent, moved.digest),
        (3, Extent::Whole, Some(sha256(b"abc")))
    );
}

/// What a link is called, and not where it leads, is what the technician's client asked for and looks for.
#[test]
fn what_is_asked_for_by_a_link_comes_under_the_name_of_the_link() {
    let mut channel = download(
        "scp -p -f /srv/in/link",
        READS,
        &[
            ("/srv/in/link", "/srv/in/file", Nature::File),
            ("/srv/in/file", "/srv/in/file", Nature::File),
        ],
    );
    assert_eq!(channel.run.as_deref(), Some("scp -p -f /srv/in/file"));
    channel.target_says(b"T1 0 1 0\n");
    assert_eq!(channel.target_hears(), b"\0");
    channel.target_says(b"C0600 0 file\n");
    assert_eq!(channel.technician_hears(), b"T1 0 1 0\n");
    channel.technician_says(b"\0");
    assert_eq!(channel.technician_hears(), b"C0600 0 link\n");
    channel.technician_says(b"\0");
    channel.target_says(b"\0");
    channel.technician_says(b"\0");
    assert_eq!(
        channel.log[0].moved.as_ref().unwrap().digest,
        Some(sha256(b""))
    );
}

#[test]
fn where_nothing_is_the_file_has_the_typed_name_whatever_the_client_calls_it() {
    let mut channel = upload("scp -t /srv/in/new", WRITES, &[IN]);
    assert_eq!(channel.run.as_deref(), Some("scp -t /srv/in/new"));
    channel.technician_says(b"C0644 0 anything\n");
    assert_eq!(channel.target_hears(), b"C0644 0 anything\n");
    there(&mut channel, "/srv/in/new");
    channel.target_says(b"\0");
    channel.technician_says(b"\0");
    channel.target_says(b"\0");
    assert_eq!(
        channel.log[0].request,
        Some(FileRequest::Open {
            path: path("/srv/in/new"),
            reads: false,
            writes: true
        })
    );
}

#[test]
fn a_failure_of_either_side_is_told_as_it_is_and_on_record() {
    let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
    channel.technician_says(b"\x01scp: x: No such file or directory\n");
    assert_eq!(
        channel.target_hears(),
        b"\x01scp: x: No such file or directory\n"
    );
    channel.technician_says(b"C0644 3 a\n");
    channel.target_says(b"\x01scp: /srv/in/a: Permission denied\n");
    assert_eq!(
        channel.technician_hears(),
        b"\x01scp: /srv/in/a: Permission denied\n"
    );
    channel.technician_says(b"C0644 3 b\n");
    there(&mut channel, "/srv/in/b");
    channel.target_says(b"\0");
    channel.technician_says(b"abc\x01scp: b: Input/output error\n");
    channel.target_says(b"\0");
    channel.technician_says(b"C0644 3 c\n");
    there(&mut channel, "/srv/in/c");
    channel.target_says(b"\0");
    channel.technician_says(b"abc\0");
    channel.target_says(b"\x01scp: /srv/in/c: No space left on device\n");
    channel.technician_says(b"C0644 3 d\n");
    there(&mut channel, "/srv/in/d");
    channel.target_says(b"\0");
    channel.technician_says(b"ab");
    channel.finish();
    let outcomes: Vec<_> = channel
        .log
        .iter()
        .map(|record| {
            (
                record.outcome.clone(),
                record
                    .moved
                    .as_ref()
                    .map(|moved| (moved.written, moved.written_extent, moved.digest.is_some())),
            )
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            (Outcome::Failed(4), None),
            (Outcome::Failed(4), Some((3, Extent::Sparse, false))),
            (Outcome::Failed(4), Some((3, Extent::Partial, false))),
            (Outcome::Unfinished, Some((2, Extent::Partial, false))),
        ]
    );
}

#[test]
fn a_fatal_word_is_the_last() {
    for (is_sink, line) in [(true, b"\x02gone\n"), (false, b"\x02gone\n")] {
        let mut channel = upload("scp -t /srv/in", WRITES, &[IN]);
        if is_sink {
            channel.technician_says(b"C0644 3 a\n");
            channel.target_says(line);
            assert_eq!(channel.technician_hears(), line);
        } else {
            channel.technician_says(line);
            assert_eq!(channel.target_hears(), line);
        }
        channel.target_hears();
        channel.technician_says(b"C0644 3 a\n");
        channel.target_says(b"\0");
        assert_eq!(
            (channel.target_hears(), channel.technician_hears()),
            (Vec::new(), Vec::new())
        );
    }
}
