//! Words and beginnings of conversations.

use super::support::*;

pub(super) const IN: (&str, &str, Nature) = ("/srv/in", "/srv/in", Nature::Directory);

pub(super) const WRITES: &[&str] = &["sftp-write: /srv/in/**"];

pub(super) const READS: &[&str] = &["sftp-read: /srv/in/**", "sftp-list: /srv/in/**"];

pub(super) fn refused(words: &str) -> Vec<u8> {
    [b"\x01ecluse: ", words.as_bytes(), b"\n"].concat()
}

pub(super) fn not_listed(line: &str) -> Vec<u8> {
    refused(&format!("{line} is not part of this intervention"))
}

/// A channel to `/srv/in` that has been greeted.
pub(super) fn upload(command: &str, rules: &[&str], tree: &[(&str, &str, Nature)]) -> Channel {
    let mut channel = Channel::open(command, rules, tree);
    assert_eq!(channel.technician_hears(), b"", "{:?}", channel.log);
    channel.target_says(b"\0");
    assert_eq!(channel.technician_hears(), b"\0");
    channel
}

/// The target takes a file as soon as it is there.
pub(super) fn there(channel: &mut Channel, path: &str) {
    channel
        .tree
        .insert(path.to_owned(), (path.to_owned(), Nature::File));
}

pub(super) fn download(command: &str, rules: &[&str], tree: &[(&str, &str, Nature)]) -> Channel {
    let mut channel = Channel::open(command, rules, tree);
    assert_eq!(channel.technician_hears(), b"", "{:?}", channel.log);
    channel.technician_says(b"\0");
    assert_eq!(channel.target_hears(), b"\0");
    channel
}
