//! How long the names and values of requests may be.
//!
//! The SSH protocol bounds them by the packet, 256 KiB. What nobody needs is refused before it is kept.

use ecluse_recordings::evidence::manifest::sha256_hex;

/// A name: of a signal, a variable, a subsystem, a host, a path.
pub(crate) const NAME: usize = 256;
/// The value of an environment variable.
pub(crate) const VALUE: usize = 4 << 10;
/// What a yes is about, in the words of lines: an operator is shown all of it, or it is refused.
pub(crate) const WAITING: usize = 4 << 10;
/// What is done together with it, of each part: what is longer is shown without its middle.
const BESIDE: usize = 512;
/// A line that says what was started, as it is noted.
pub(crate) const NOTE: usize = 8 << 10;
/// Environment variables of a channel; OpenSSH sends a handful.
pub(crate) const VARIABLES: usize = 64;
/// A command. Linux gives no program a longer argument, so no shell there could be given it.
pub(crate) const COMMAND: usize = 128 << 10;
/// How often a command is kept while its channel is open: as asked, as shown, in records on their way.
pub(crate) const COMMAND_COPIES: usize = 8;

/// What a channel of files is charged for what it keeps beside its queue: about what 512 open files take, their paths of
/// usual length ([`super::kinds::sftp`] says what the worst is).
pub(crate) const FILES: usize = 512 << 10;

/// The same of a channel that may copy by `scp`: a line, what waits for its turn, and the paths on the way ([`super::kinds::scp`]).
pub(crate) const COPY: usize = 128 << 10;

/// A name as it is kept: whole, or its beginning with how long it was and its digest, so that two are never taken for one.
pub(crate) fn named(text: &str) -> String {
    told(text, NAME)
}

/// What waits for a yes as it is kept and read, and whether whoever says yes sees what it is about: that comes first, whole; of
/// what is done together with it, what is long lacks its middle.
pub(crate) fn waiting(named: &str, beside: &[String]) -> (String, bool) {
    if named.len() > WAITING {
        return (without_middle(named, BESIDE), false);
    }
    let beside = beside.iter().map(|part| without_middle(part, BESIDE));
    let all: Vec<String> = [named.to_owned()].into_iter().chain(beside).collect();
    (all.join(TOGETHER), true)
}

/// Between the parts of what waits.
pub(crate) const TOGETHER: &str = " + ";

/// Whole, or its beginning and its end, with how much is left out between them and the digest of all of it.
fn without_middle(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let head = clip(text, most / 2);
    let mut from = text.len() - most / 2;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let tail = text.get(from..).unwrap_or_default();
    let (left_out, digest) = (from - head.len(), sha256_hex(text.as_bytes()));
    format!("{head}[… {left_out} bytes, SHA-256 of all {digest} …]{tail}")
}

fn told(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let digest = sha256_hex(text.as_bytes());
    let bytes = text.len();
    format!("{}… ({bytes} bytes, SHA-256 {digest})", clip(text, most))
}

/// A command that will not run, as it is kept: likewise.
pub(crate) fn attempted(command: &[u8]) -> Vec<u8> {
    match command.get(..NAME) {
        Some(beginning) if command.len() > NAME => {
            let (bytes, digest) = (command.len(), sha256_hex(command));
            let rest = format!("… ({bytes} bytes, SHA-256 {digest})");
            [beginning, rest.as_bytes()].concat()
        }
        Some(_) | None => command.to_vec(),
    }
}

/// As much of `text` as fits into `most` bytes.
pub(crate) fn clip(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F2: of what is too long to keep, two that begin alike are told apart.
    #[test]
    fn a_name_is_whole_or_says_what_it_was() {
        assert_eq!(named("sftp"), "sftp");
        let (one, other) = (
            named(&"S".repeat(300)),
            named(&format!("{}T", "S".repeat(299))),
        );
        assert!(
            one.contains("… (300 bytes, SHA-256 ") && one != other,
            "{one}"
        );
    }

    /// I4: what a yes is about is told whole and first, or not at all; what comes with it keeps both its ends, and two are never
    /// taken for one.
    #[test]
    fn i4_what_a_yes_is_about_is_told_whole() {
        let named = format!("sftp-rename: /{}/zz", "é".repeat(1_000));
        let long = |middle: char| {
            vec![format!(
                "sftp-rename: /{}{middle}{}/end",
                "ö".repeat(900),
                "p".repeat(900)
            )]
        };
        let (told, is_told) = waiting(&named, &long('x'));
        let head = format!("{named} + sftp-rename: /öö");
        assert!(
            is_told && told.starts_with(&head) && told.ends_with("pp/end"),
            "{told}"
        );
        assert!(told.contains("[… 2"), "{told}");
        assert!(told.len() < named.len() + 2 * BESIDE && told != waiting(&named, &long('y')).0);
        assert_eq!(waiting("shell", &[]), ("shell".to_owned(), true));
        let over = |end: &str| waiting(&format!("command: {}{end}", "w".repeat(WAITING)), &[]);
        let (told, is_told) = over("; reboot");
        assert!(
            !is_told && told.ends_with("; reboot") && told.len() < 2 * BESIDE,
            "{told}"
        );
        assert_ne!(told, over("; rebooT").0);
    }

    #[test]
    fn a_command_is_whole_or_says_what_it_was() {
        assert_eq!(attempted(b"\xff id"), b"\xff id");
        assert_eq!(attempted(&[b'x'; NAME]), [b'x'; NAME]);
        let (one, other) = (attempted(&[b'x'; 300]), attempted(&[b'x'; 301]));
        assert!(one.len() < 2 * NAME && one != other);
    }

    #[test]
    fn clipping_keeps_whole_characters() {
        assert_eq!(clip("court", 256), "court");
        assert_eq!(clip("écluse", 1), "");
        assert_eq!(clip("écluse", 3), "éc");
    }
}
