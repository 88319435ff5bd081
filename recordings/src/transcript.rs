//! A session as readable text: times, commands, lines of output, how it ended.

use crate::cast::{CastReader, Code, MARK};
use crate::convert_channel::MASK;
use crate::record::NoteLine;
use crate::screen::Size;
use crate::scrolling::{Scrolling, TimedLine};
use crate::{ChannelRecord, Exit, OpenRecording, ReadError, layout, neutralise};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// Longest line kept in memory; a longer one is shown in pieces.
const MAX_LINE: usize = 64 * 1024;

/// Writes a recording as text. Nothing in it can act on a terminal: escape sequences of a
/// shell are interpreted, those of a command are shown.
///
/// # Errors
/// When a file does not read, or `out` fails.
pub fn transcript(recording: &OpenRecording, out: &mut impl Write) -> Result<(), ReadError> {
    let fail = |error| ReadError::io(recording.dir(), error);
    heading(recording, out).map_err(fail)?;
    for channel in &recording.record().channels {
        channel_heading(recording, channel, out).map_err(fail)?;
        let reader = recording.cast(&channel.files.cast)?;
        let started = recording
            .record()
            .facts
            .started
            .saturating_add_unsigned(channel.opened_us);
        match &channel.opened.pty {
            Some(pty) => shell(reader, Size::clamped(pty.cols, pty.rows), started, out)?,
            None => command(reader, started, out)?,
        }
        channel_end(channel, out).map_err(fail)?;
    }
    notes(recording, out)?;
    let record = recording.record();
    let ended = layout::moment(
        record
            .facts
            .started
            .saturating_add_unsigned(record.ended_us),
    );
    match &record.end {
        Some(end) => {
            let [reason, by, text] = end.parts();
            let by = by.map(|by| format!("by {by}"));
            let parts: Vec<&str> = [reason, by.as_deref(), text]
                .into_iter()
                .flatten()
                .collect();
            writeln!(out, "ended    {ended}: {}", neutralise(parts.join(" ")))
        }
        None => writeln!(out, "ended    {ended}: cut short, the recording stops here"),
    }
    .map_err(fail)
}

fn heading(recording: &OpenRecording, out: &mut impl Write) -> io::Result<()> {
    let facts = &recording.record().facts;
    let optional = |name: &Option<String>| name.as_ref().map_or_else(|| "-".to_owned(), neutralise);
    writeln!(out, "session  {}", facts.session)?;
    writeln!(out, "started  {}", layout::moment(facts.started))?;
    writeln!(
        out,
        "who      {} of {}, station {}, from {} ({})",
        neutralise(&facts.person),
        optional(&facts.provider),
        optional(&facts.station),
        neutralise(&facts.source),
        neutralise(&facts.terminal)
    )?;
    let accounts: Vec<String> = facts.accounts.iter().map(neutralise).collect();
    writeln!(
        out,
        "where    {} of {}, as {}",
        neutralise(&facts.target),
        neutralise(&facts.client),
        accounts.join(", ")
    )?;
    writeln!(out, "why      {}", neutralise(&facts.reason))
}

fn channel_heading(
    recording: &OpenRecording,
    channel: &ChannelRecord,
    out: &mut impl Write,
) -> io::Result<()> {
    let at = layout::moment(
        recording
            .record()
            .facts
            .started
            .saturating_add_unsigned(channel.opened_us),
    );
    writeln!(
        out,
        "\n── channel {} · {} · {at}",
        channel.number,
        channel.kind().word()
    )?;
    if let Some(command) = channel.command() {
        writeln!(out, "command  {command}")?;
    }
    Ok(())
}

fn channel_end(channel: &ChannelRecord, out: &mut impl Write) -> io::Result<()> {
    match &channel.exit {
        Some(Exit::Status(status)) => writeln!(out, "exit     status {status}")?,
        Some(Exit::Signal(signal)) => {
            writeln!(out, "exit     signal {}", neutralise(&signal.name))?
        }
        None => {}
    }
    let reason = channel
        .reason
        .as_ref()
        .map_or_else(|| "cut short".to_owned(), neutralise);
    writeln!(
        out,
        "closed   {reason}; {} bytes of output, {} of standard error, {} of input\n",
        channel.output.bytes, channel.error_output.bytes, channel.input.bytes
    )
}

/// Lines as the terminal showed them, and what happened between.
fn shell(
    mut reader: CastReader,
    size: Size,
    started: i64,
    out: &mut impl Write,
) -> Result<(), ReadError> {
    let fail = |error| ReadError::io(Path::new("transcript"), error);
    let mut screen = Scrolling::new(size);
    // Masked letters come one by one; one line tells of them all.
    let mut hidden: Option<TimedLine> = None;
    while let Some(event) = reader.next_event()? {
        let at_us = event.at_us;
        let lines = match event.code {
            Code::Output => screen.feed(at_us, &event.text),
            Code::Resize { cols, rows } => screen.resize(at_us, Size::clamped(cols, rows)),
            Code::Marker => vec![(at_us, format!("[{}]", neutralise(&event.text)))],
            Code::Input if event.text.chars().all(|letter| letter == MASK) => {
                hidden
                    .get_or_insert((at_us, String::new()))
                    .1
                    .push_str(&event.text);
                continue;
            }
            Code::Input => match hidden.take() {
                Some((since, dots)) => vec![(since, format!("[typed, not echoed: {dots}]"))],
                None => continue,
            },
            Code::Exit | Code::Other(_) => continue,
        };
        write_lines(lines, started, out).map_err(fail)?;
    }
    let left = hidden.map(|(since, dots)| (since, format!("[typed, not echoed: {dots}]")));
    let rest = left.into_iter().chain(screen.rest()).collect();
    write_lines(rest, started, out).map_err(fail)
}

fn write_lines(lines: Vec<TimedLine>, started: i64, out: &mut impl Write) -> io::Result<()> {
    for (at_us, line) in lines {
        writeln!(out, "{} │ {line}", clock(started, at_us))?;
    }
    Ok(())
}

/// Each stream line by line, marked.
fn command(mut reader: CastReader, started: i64, out: &mut impl Write) -> Result<(), ReadError> {
    let path = Path::new("transcript");
    let mut lines = [
        ("in ", String::new()),
        ("out", String::new()),
        ("err", String::new()),
    ];
    let mut current = 1;
    let mut at_us = 0;
    while let Some(event) = reader.next_event()? {
        at_us = event.at_us;
        let which = match event.code {
            Code::Input => 0,
            Code::Output => current,
            Code::Marker => {
                match event.text.strip_prefix(MARK) {
                    Some("stdout") => current = 1,
                    Some("stderr") => current = 2,
                    _ => writeln!(
                        out,
                        "{} [{}]",
                        clock(started, at_us),
                        neutralise(&event.text)
                    )
                    .map_err(|error| ReadError::io(path, error))?,
                }
                continue;
            }
            Code::Resize { .. } | Code::Exit | Code::Other(_) => continue,
        };
        let Some((word, line)) = lines.get_mut(which) else {
            continue;
        };
        for piece in event.text.split_inclusive('\n') {
            line.push_str(piece);
            if piece.ends_with('\n') || line.len() > MAX_LINE {
                let text = neutralise(line.trim_end_matches(['\r', '\n']));
                writeln!(out, "{} {word}│ {text}", clock(started, at_us))
                    .map_err(|error| ReadError::io(path, error))?;
                line.clear();
            }
        }
    }
    for (word, line) in lines.iter().filter(|(_, line)| !line.is_empty()) {
        writeln!(
            out,
            "{} {word}│ {}",
            clock(started, at_us),
            neutralise(line)
        )
        .map_err(|error| ReadError::io(path, error))?;
    }
    Ok(())
}

fn notes(recording: &OpenRecording, out: &mut impl Write) -> Result<(), ReadError> {
    if recording.record().notes == 0 {
        return Ok(());
    }
    let path = recording.dir().join(layout::NOTES);
    let fail = |error| ReadError::io(&path, error);
    let mut lines = BufReader::new(recording.open(layout::NOTES)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut lines)
            .take(4 * 1024 * 1024)
            .read_until(b'\n', &mut line)
            .map_err(fail)?;
        if line.is_empty() {
            return Ok(());
        }
        let Ok(note) = serde_json::from_slice::<NoteLine>(&line) else {
            continue;
        };
        let at = clock(recording.record().facts.started, note.at_us);
        writeln!(
            out,
            "{at} [{} {}]",
            neutralise(&note.kind),
            neutralise(&note.text)
        )
        .map_err(fail)?;
    }
}

fn clock(started: i64, at_us: u64) -> String {
    let moment = layout::moment(started.saturating_add_unsigned(at_us));
    moment.split(' ').nth(1).unwrap_or_default().to_owned()
}
