//! A recording as text, for pipes and plain terminals (R10).

use std::io;

use ecluse_recordings::{OpenRecording, Part, Stream, neutralise_lines, rebuild};
use tokio::sync::mpsc;

use super::patience::patiently;
use super::recordings::why;
use super::replay::still_theirs;
use crate::admission::desk::{Desk, Trouble, status};
use crate::clock;
use crate::readers::outside;
use crate::store::Session;
use crate::texts::times;

/// Pieces of text on their way to the terminal: a slow reader slows the reading, nothing piles up.
const QUEUE: usize = 16;

/// Prints a part of the recording as text, or what was typed into it in clear (`unmask`).
pub(super) async fn print(
    desk: &mut Desk<'_>,
    session: &Session,
    recording: &OpenRecording,
    part: Part,
    unmask: bool,
    looked_for: Option<&str>,
) -> Result<u32, Trouble> {
    let args = [
        ("number", session.number.into()),
        ("person", session.start.person.as_str().into()),
        (
            "target",
            format!("{}@{}", session.start.account, session.start.target).into(),
        ),
        ("started", times::date_and_clock(session.start.at).into()),
    ];
    desk.line("replay-transcript-head", &args).await?;
    if let Some(end) = &session.end {
        let why = why(desk, end, clock::now());
        let args = [
            ("time", times::date_and_clock(end.at).into()),
            ("reason", why.into()),
        ];
        desk.line("replay-transcript-end", &args).await?;
    }
    let (sender, mut pieces) = mpsc::channel(QUEUE);
    let recording = recording.clone();
    let reading = desk.gateway.readers.read(desk.person(), move || {
        let mut out = Pieces {
            sender,
            held: Vec::new(),
        };
        let found = if unmask {
            typed(&recording, part.channel, &mut out).map(|()| true)
        } else {
            ecluse_recordings::transcript_of(&recording, part, &mut out)
        }?;
        out.flush_all();
        Ok::<_, ecluse_recordings::ReadError>(found)
    });
    let with_pty = desk.terminal.size().is_some();
    let mut next = patiently(desk, pieces.recv()).await?;
    while let Some(piece) = next {
        if let Err(refusal) = still_theirs(desk, session, unmask) {
            return desk.refused(&refusal).await;
        }
        let text = String::from_utf8_lossy(&piece).into_owned();
        let text = if with_pty {
            text.replace('\n', "\r\n")
        } else {
            text
        };
        desk.terminal.write(&text).await?;
        next = pieces.recv().await;
    }
    match reading.await {
        Ok(Ok(found)) => match looked_for.filter(|_| !found) {
            Some(text) => {
                let args = [
                    ("text", crate::texts::harmless(text).into()),
                    ("number", session.number.into()),
                ];
                desk.problem("search-not-in", &args).await
            }
            None => Ok(status::DONE),
        },
        Ok(Err(error)) => {
            let args = [
                ("number", session.number.into()),
                ("problem", error.to_string().into()),
            ];
            desk.problem("auditor-recording-missing", &args).await
        }
        Err(error) => {
            let args = [
                ("number", session.number.into()),
                ("problem", error.to_string().into()),
            ];
            desk.problem("auditor-recording-missing", &args).await
        }
    }
}

/// What the technician typed, in clear, channel by channel.
fn typed(
    recording: &OpenRecording,
    wanted: Option<u32>,
    out: &mut impl io::Write,
) -> Result<(), ecluse_recordings::ReadError> {
    for channel in recording
        .record()
        .channels
        .iter()
        .filter(|c| wanted.is_none_or(|wanted| wanted == c.number))
    {
        let mut input = Vec::new();
        rebuild(recording, channel, true, |piece| {
            if piece.stream == Stream::Input {
                input.extend_from_slice(piece.bytes);
            }
            Ok(())
        })?;
        let text = neutralise_lines(String::from_utf8_lossy(&input).replace('\r', "\n"));
        // A write fails only when the reader has left: nothing is owed to nobody.
        let _ = writeln!(out, "── {} ──\n{text}", channel.number);
    }
    Ok(())
}

/// Hands text over to the terminal in whole lines.
struct Pieces {
    sender: mpsc::Sender<Vec<u8>>,
    held: Vec<u8>,
}

impl Pieces {
    const ENOUGH: usize = 16 * 1024;

    fn flush_all(&mut self) {
        let held = std::mem::take(&mut self.held);
        let _ = outside(|| self.sender.blocking_send(held));
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= Self::ENOUGH
            && let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n')
        {
            let rest = self.held.split_off(end + 1);
            let lines = std::mem::replace(&mut self.held, rest);
            // A slow terminal holds up this reading alone.
            outside(|| self.sender.blocking_send(lines))
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
