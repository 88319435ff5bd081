//! What is shown of a channel that carries packets: its log, a line each, and what the gateway says on it.

use crate::bundle::Language;
use crate::cast::MARK;
use crate::playback::PlayEvent;
use crate::{FileEntry, neutralise};

/// An entry of the log of files.
pub(crate) fn entry(entry: &FileEntry) -> PlayEvent {
    line(&entry.line(Language::English))
}

/// Something that the gateway says; on a channel of packets there is no screen that it would stand beside.
pub(crate) fn note(text: &str, packets: bool) -> PlayEvent {
    match packets {
        true => line(&neutralise(text)),
        false => PlayEvent::Marker(format!("{MARK}note {}", neutralise(text))),
    }
}

/// A marker of a cast.
pub(crate) fn marker(text: &str, packets: bool) -> PlayEvent {
    let own = text.strip_prefix(MARK).and_then(|own| own.split_once(' '));
    match own {
        Some(("note", said)) if packets => note(said, packets),
        Some(("file", json)) if let Ok(read) = serde_json::from_str(json) => entry(&read),
        Some(_) | None => PlayEvent::Marker(neutralise(text)),
    }
}

fn line(text: &str) -> PlayEvent {
    PlayEvent::Output(format!("{text}\r\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_lines_where_there_is_no_screen() {
        let passing = format!("{MARK}note passing to the target: /x\u{1b}[2J");
        let shown = PlayEvent::Output("passing to the target: /x␛[2J\r\n".into());
        assert_eq!(marker(&passing, true), shown);
        assert!(matches!(marker(&passing, false), PlayEvent::Marker(_)));
        let broken = format!("{MARK}file nonsense");
        assert_eq!(marker(&broken, true), PlayEvent::Marker(broken.clone()));
    }
}
