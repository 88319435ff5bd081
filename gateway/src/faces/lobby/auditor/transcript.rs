//! A recording as text, for pipes and plain terminals (R10).

use std::io;
use std::sync::Arc;

use ecluse_policy::Lang;
use ecluse_recordings::search::{self, Line};
use ecluse_recordings::{OpenRecording, Part, ReadError, Stream, layout, neutralise, rebuild};
use tokio::sync::mpsc;

use super::patience::patiently;
use super::recordings::why;
use crate::clock;
use crate::deeds::Undone;
use crate::deeds::evidence::replay::Replaying;
use crate::deeds::evidence::{Unshown, Why, may_still_read};
use crate::faces::lobby::desk::{Desk, Trouble, status};
use crate::gateway::Gateway;
use crate::readers::outside;
use crate::store::Standing;
use crate::texts::{Unreadable, Value, times};

/// Pieces of text on their way to the terminal: a slow reader slows the reading, nothing piles up.
const QUEUE: usize = 16;

/// Prints a part of the recording as text, or what was typed into it in clear (`unmask`).
pub(super) async fn print(
    desk: &mut Desk<'_>,
    of: &Replaying,
    recording: &OpenRecording,
    part: Part,
    looked_for: Option<&str>,
) -> Result<u32, Trouble> {
    let args = [
        ("number", of.number.into()),
        ("person", of.person.as_str().into()),
        ("target", format!("{}@{}", of.account, of.target).into()),
        ("started", times::date_and_clock(of.started).into()),
    ];
    desk.line("replay-transcript-head", &args).await?;
    if let Some(end) = &of.end {
        let why = why(desk, end, clock::now());
        let args = [
            ("time", times::date_and_clock(end.at).into()),
            ("reason", why.into()),
        ];
        desk.line("replay-transcript-end", &args).await?;
    }
    let (sender, mut pieces) = mpsc::channel(QUEUE);
    let recording = recording.clone();
    let (gateway, lang, unmask) = (Arc::clone(desk.gateway), desk.lang(), of.unmask);
    let reading = desk.gateway.readers.read(desk.person(), move || {
        let mut out = Pieces {
            sender,
            held: Vec::new(),
        };
        let found = if unmask {
            let typed = Typed {
                gateway,
                lang,
                started: recording.record().facts.started,
                waiting: Vec::new(),
                bytes: 0,
                out: &mut out,
            };
            typed.all(&recording, part.channel).map(|()| true)
        } else {
            ecluse_recordings::transcript_of(&recording, part, &mut out)
        }?;
        out.flush_all();
        Ok::<_, ReadError>(found)
    });
    let with_pty = desk.terminal.size().is_some();
    let mut next = patiently(desk, pieces.recv()).await?;
    while let Some(piece) = next {
        if let Err(refusal) = may_still_read(desk.gateway, desk.visitor, &of.client, of.unmask) {
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
                    ("number", of.number.into()),
                ];
                desk.problem("search-not-in", &args).await
            }
            None => Ok(status::DONE),
        },
        Ok(Err(error)) => missing(desk, of, error.into()).await,
        Err(interrupted) => missing(desk, of, interrupted.into()).await,
    }
}

async fn missing(desk: &mut Desk<'_>, of: &Replaying, problem: Unreadable) -> Result<u32, Trouble> {
    let unshown = Unshown {
        number: of.number,
        // Where it is not, that was told.
        standing: Standing::OnRecord,
        why: Why::Unreadable(problem),
    };
    desk.undone(Undone::Unshown(Box::new(unshown))).await
}

/// Typed text that is put into the order of time at once. **Unit**: bytes. Of more than that, each so much is.
const IN_ORDER: usize = 32 << 20;
/// A line of input without times is written in pieces of at most so many bytes.
const PIECE: usize = 64 * 1024;

/// What was typed, in clear: in the order of time over all channels, then what has no times.
struct Typed<'o, W> {
    gateway: Arc<Gateway>,
    lang: Lang,
    started: i64,
    waiting: Vec<(Line, bool)>,
    bytes: usize,
    out: &'o mut W,
}

impl<W: io::Write> Typed<'_, W> {
    fn all(mut self, recording: &OpenRecording, wanted: Option<u32>) -> Result<(), ReadError> {
        self.say("replay-unmasked-times", &[]);
        let channels = recording.record().channels.iter();
        let mut untimed = Vec::new();
        for channel in channels.filter(|c| wanted.is_none_or(|wanted| wanted == c.number)) {
            let has_times = search::in_clear(recording, channel, |line, hidden| {
                self.take(line, hidden);
                true
            })?;
            if !has_times {
                untimed.push(channel);
            }
        }
        self.write();
        for channel in untimed {
            self.say(
                "replay-unmasked-untimed",
                &[("channel", channel.number.into())],
            );
            let mut held = Vec::new();
            rebuild(recording, channel, true, |piece| {
                if piece.stream == Stream::Input {
                    for byte in piece.bytes {
                        if matches!(byte, b'\r' | b'\n') || held.len() >= PIECE {
                            // A write fails only when the reader has left: nothing is owed to nobody.
                            let _ = writeln!(self.out, "{}", neutralise(&held));
                            held.clear();
                        }
                        if !matches!(byte, b'\r' | b'\n') {
                            held.push(*byte);
                        }
                    }
                }
                Ok(())
            })?;
            let _ = writeln!(self.out, "{}", neutralise(&held));
        }
        Ok(())
    }

    fn take(&mut self, line: Line, hidden: bool) {
        self.bytes = self.bytes.saturating_add(line.text.len() + 64);
        self.waiting.push((line, hidden));
        if self.bytes > IN_ORDER {
            self.write();
        }
    }

    fn write(&mut self) {
        self.bytes = 0;
        self.waiting.sort_by_key(|(line, _)| line.at_us);
        for (line, hidden) in std::mem::take(&mut self.waiting) {
            let moment = layout::moment(self.started.saturating_add_unsigned(line.at_us));
            let time = moment.split(' ').nth(1).unwrap_or_default();
            let args = [
                ("time", time.into()),
                ("channel", line.channel.into()),
                ("mark", if hidden { "¤" } else { " " }.into()),
            ];
            let head = self
                .gateway
                .texts
                .say(self.lang, "replay-unmasked-line", &args);
            let _ = writeln!(self.out, "{head}{}", neutralise(&line.text));
        }
    }

    fn say(&mut self, id: &str, args: &[(&str, Value<'_>)]) {
        let line = self.gateway.texts.say(self.lang, id, args);
        let _ = writeln!(self.out, "{line}");
    }
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
