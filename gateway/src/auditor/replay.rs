//! `replay`: a recording on a screen of its own, or as text where there is no terminal.

mod place;
mod whose;
mod written;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ecluse_policy::{AsAuditor, Lang, Refusal, Span};
use ecluse_recordings::bundle::Language;
use ecluse_recordings::search::{Query, SHORTEST};
use ecluse_recordings::{JournalFrames, OpenRecording, Part, Playback, ReadError, layout};

use self::place::{begin, part};
use self::whose::belongs;
pub(super) use self::whose::open;
use self::written::{At, Written, written};
use super::patience::patiently;
use super::recordings::not_on_record;
use super::search::{find_lines, offset};
use super::stage::{Stage, Stopped};
use super::transcript;
use crate::admission::commands::Command;
use crate::admission::desk::{Desk, Trouble, status};
use crate::admission::refused::not_theirs;
use crate::admission::step_up;
use crate::audit::{AuditKind, AuditRecord};
use crate::clock;
use crate::store::Session;
use crate::texts::{Unreadable, times};

/// `replay SESSION [--channel N] [--speed X] [--skip-idle D] [--at D] [--find TEXT] [--text] [--unmask]`
pub(crate) async fn replay(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    command: &Command,
    words: &[String],
) -> Result<u32, Trouble> {
    let written = match written(words) {
        Ok(written) => written,
        Err(misuse) => return desk.misused(command, &misuse).await,
    };
    let found = desk.gateway.store.session(written.number).await?;
    let Some(session) = found.filter(|session| session.start.client == *by.client()) else {
        let (typed, told) = (written.number.to_string(), "auditor-no-such-recording");
        let args = [("id", written.number.into())];
        return not_theirs(desk, command, &typed, told, &args).await;
    };
    // The recording itself says whose it is and what happened; the table is told about.
    if let Some(fault) = &session.fault {
        not_on_record(desk, fault, clock::now()).await?;
    }
    if let Some((id, option)) = meaningless(desk, &written, session.end.is_none()) {
        return desk.problem(id, &[("option", option.into())]).await;
    }
    if written.unmask {
        if let Err(refusal @ Refusal::CodeWanted { .. }) = by.unmask(&desk.visitor.proven_code())
            && let Some(status) = step_up::code(desk, command, words, &refusal).await?
        {
            return Ok(status);
        }
        // A code may take a while to type: the right is asked again.
        if let Err(refusal) = unmasking(desk) {
            let record = record(desk, &session).refused().reason(&refusal);
            desk.gateway.store.record(&[record]).await?;
            return desk.refused(&refusal).await;
        }
    }
    // On record before anything is shown: who looked at what.
    let mut record = record(desk, &session)
        .permitted()
        .detail("unmask", written.unmask);
    if let Some(text) = &written.find {
        record = record.detail("find", text.as_str());
    }
    desk.gateway.store.record(&[record]).await?;

    let dir = session
        .start
        .recording
        .as_ref()
        .map(|path| desk.gateway.settings.recordings.directory.join(path));
    let Some(dir) = dir else {
        return missing(desk, &session, &Unreadable::None).await;
    };
    let keys = Arc::clone(desk.gateway.keeper.keys());
    let (sealed, id, client) = (dir.clone(), session.start.id, session.start.client.clone());
    // Comparing digests takes as long as the recording is large.
    let opened = desk
        .gateway
        .readers
        .read(desk.person(), move || open(&sealed, id, &client, &keys))
        .await;
    match opened.unwrap_or_else(|interrupted| Err(interrupted.into())) {
        Ok(recording) => finished(desk, &written, &session, &recording).await,
        Err(problem) if session.end.is_none() || dir.join(layout::LIVE).exists() => {
            unfinished(desk, &written, &session, dir.join(layout::LIVE), &problem).await
        }
        Err(problem) => missing(desk, &session, &problem).await,
    }
}

/// Whether the auditor may read masked input in clear, asking for a code where one is wanted; the exit status where not,
/// everything said and on record.
pub(super) async fn unmasked(
    desk: &mut Desk<'_>,
    by: &AsAuditor<'_>,
    command: &Command,
    words: &[String],
) -> Result<Option<u32>, Trouble> {
    if let Err(refusal @ Refusal::CodeWanted { .. }) = by.unmask(&desk.visitor.proven_code())
        && let Some(status) = step_up::code(desk, command, words, &refusal).await?
    {
        return Ok(Some(status));
    }
    let Err(refusal) = unmasking(desk) else {
        return Ok(None);
    };
    let record = desk
        .record(AuditKind::Search, clock::now())
        .client(by.client())
        .refused()
        .reason(&refusal);
    desk.gateway.store.record(&[record]).await?;
    desk.refused(&refusal).await.map(Some)
}

/// Whether a replay is printed as text.
fn is_text(desk: &Desk<'_>, written: &Written) -> bool {
    written.unmask || written.text || desk.terminal.size().is_none() || desk.terminal.is_plain()
}

/// An option that would mean nothing, and the words that say so: none is left out in silence.
fn meaningless(
    desk: &Desk<'_>,
    written: &Written,
    live: bool,
) -> Option<(&'static str, &'static str)> {
    let place = || match (written.at, &written.find) {
        (Some(_), _) => Some("--at"),
        (None, Some(_)) => Some("--find"),
        (None, None) => None,
    };
    if live {
        let asks = [
            (matches!(written.at, Some(At::Clock(_))), "--at HH:MM"),
            (written.unmask, "--unmask"),
            (written.text, "--text"),
            (written.find.is_some(), "--find"),
        ];
        return asks
            .into_iter()
            .find_map(|(given, option)| given.then_some(("replay-not-yet", option)));
    }
    if let Some(option) = written.pace.filter(|_| is_text(desk, written)) {
        return Some(("replay-text-has-no-pace", option));
    }
    if written.at.is_some() && written.find.is_some() {
        return Some(("replay-one-place", "--at"));
    }
    if written.unmask {
        return place().map(|option| ("replay-unmask-is-whole", option));
    }
    None
}

/// Whether the auditor may begin to read masked input in clear, as things stand now.
fn unmasking(desk: &Desk<'_>) -> Result<(), Refusal> {
    let applied = desk.applied();
    let by = desk.visitor.as_auditor(&applied)?;
    by.unmask(&desk.visitor.proven_code()).map(drop)
}

/// Whether the auditor may still read this recording, as the documents say now: a replay outlasts the right it began
/// with.
pub(super) fn still_theirs(
    desk: &Desk<'_>,
    session: &Session,
    unmask: bool,
) -> Result<(), Refusal> {
    let applied = desk.applied();
    let by = desk.visitor.as_auditor(&applied)?;
    if *by.client() != session.start.client {
        return Err(Refusal::NotAnAuditor);
    }
    if unmask {
        // Begun with a code of its moment; the grant is what may end.
        by.may_unmask()?;
    }
    Ok(())
}

fn record(desk: &Desk<'_>, session: &Session) -> AuditRecord {
    let start = &session.start;
    desk.record(AuditKind::Replay, clock::now())
        .client(&start.client)
        .target(&start.target)
        .intervention(start.intervention)
        .session(start.id)
        .detail("number", session.number)
        .detail("technician", start.person.to_string())
}

pub(super) async fn missing(
    desk: &mut Desk<'_>,
    session: &Session,
    problem: &Unreadable,
) -> Result<u32, Trouble> {
    // Nobody here has the key: who has it is sent where it opens, not to somebody who has none either.
    if *problem == Unreadable::Locked {
        let args = [("number", session.number.into())];
        return desk.problem("auditor-recording-locked", &args).await;
    }
    let problem = desk.gateway.texts.unreadable(desk.lang(), problem);
    desk.problem(
        "auditor-recording-missing",
        &[
            ("number", session.number.into()),
            ("problem", problem.into()),
        ],
    )
    .await
}

async fn finished(
    desk: &mut Desk<'_>,
    written: &Written,
    session: &Session,
    recording: &OpenRecording,
) -> Result<u32, Trouble> {
    let record = recording.record();
    if record.cut_short {
        desk.line("auditor-cut-short", &[]).await?;
    }
    let (text, asked) = (is_text(desk, written), written.channel);
    let landed;
    let written = match &written.find {
        None => written,
        // Text is looked through as it is printed.
        Some(_) if text => written,
        Some(text) => match landing(desk, recording, text, written.channel).await? {
            Some((channel, at)) => {
                landed = Written {
                    channel: Some(channel),
                    at: Some(At::Place(at)),
                    ..written.clone()
                };
                &landed
            }
            None => {
                let args = [
                    ("text", crate::texts::harmless(text).into()),
                    ("number", session.number.into()),
                ];
                return desk.problem("search-not-in", &args).await;
            }
        },
    };
    let numbers: Vec<u32> = record
        .channels
        .iter()
        .map(|channel| channel.number)
        .collect();
    let chosen = match (written.channel, numbers.as_slice()) {
        (Some(channel), numbers) if !numbers.contains(&channel) => {
            let args = [
                ("number", session.number.into()),
                ("channel", channel.into()),
                ("channels", channels(recording).into()),
            ];
            return desk.problem("auditor-no-such-channel", &args).await;
        }
        (Some(channel), _) => Some(channel),
        (None, [channel]) => Some(*channel),
        (None, []) => None,
        // Text shows them all, in the order of time.
        (None, [_, _, ..]) if text && !matches!(written.at, Some(At::Place(_))) => None,
        (None, [_, _, ..]) => {
            let args = [
                ("number", session.number.into()),
                ("channels", channels(recording).into()),
            ];
            return desk.problem("auditor-channels", &args).await;
        }
    };
    let at = match begin(desk, written.at, session, recording, chosen).await? {
        Ok(at) => at,
        Err(status) => return Ok(status),
    };
    let chosen = match chosen {
        Some(chosen) if !text => chosen,
        chosen => {
            let find = written
                .find
                .as_ref()
                .map(|text| Query::new([text.as_str()]));
            let Ok(find) = find.transpose() else {
                let letters = [("letters", SHORTEST.into())];
                return desk.problem("search-too-short", &letters).await;
            };
            let part = Part {
                find,
                ..part(recording, asked, chosen, at, language(desk))
            };
            let looked_for = written.find.as_deref();
            return transcript::print(desk, session, recording, part, written.unmask, looked_for)
                .await;
        }
    };
    let length = record
        .channels
        .iter()
        .find(|channel| channel.number == chosen)
        .map_or(0, |channel| {
            channel.closed_us.saturating_sub(channel.opened_us)
        });
    let opening = recording.clone();
    let opened = desk.gateway.readers.read(desk.person(), move || {
        let playback = Playback::recording(&opening, chosen)?;
        let markers = playback.markers().unwrap_or_default();
        let markers: Vec<Duration> = markers.into_iter().map(|(at, _)| at).collect();
        Ok::<_, ReadError>((playback, markers))
    });
    let length = Some(Duration::from_micros(length));
    match opened.await {
        Ok(Ok((playback, markers))) => {
            play(desk, written, at, session, playback, markers, length).await
        }
        Ok(Err(error)) => missing(desk, session, &error.into()).await,
        Err(interrupted) => missing(desk, session, &interrupted.into()).await,
    }
}

fn language(desk: &Desk<'_>) -> Language {
    match desk.lang() {
        Lang::Fr => Language::French,
        Lang::En => Language::English,
    }
}

/// The channel and the place where `text` is first to be seen.
async fn landing(
    desk: &mut Desk<'_>,
    recording: &OpenRecording,
    text: &str,
    channel: Option<u32>,
) -> Result<Option<(u32, Duration)>, Trouble> {
    let Ok(question) = Query::new([text]) else {
        return Ok(None);
    };
    let recording = recording.clone();
    let reading = desk.gateway.readers.read(desk.person(), move || {
        let mut first: Option<(u64, u32, Duration)> = None;
        let read = find_lines(&recording, &question, |line| {
            if channel.is_none_or(|channel| channel == line.channel)
                && first.is_none_or(|(at_us, ..)| line.at_us < at_us)
                && let Some(place) = offset(&recording, &line)
            {
                first = Some((line.at_us, line.channel, place));
            }
            true
        });
        read.ok().and(first)
    });
    let found = patiently(desk, reading).await?.ok().flatten();
    Ok(found.and_then(|(_, channel, place)| {
        // As an auditor would type it: what happens within that millisecond is shown.
        let place = u64::try_from(place.as_micros().div_ceil(1000)).ok()?;
        Some((channel, Duration::from_millis(place)))
    }))
}

/// `1 shell, 2 uptime`
fn channels(recording: &OpenRecording) -> String {
    let shown = |channel: &ecluse_recordings::ChannelRecord| match channel.command() {
        Some(command) => format!(
            "{} {}",
            channel.number,
            crate::terminal::layout::shorten(&command, 40)
        ),
        None => format!("{} shell", channel.number),
    };
    recording
        .record()
        .channels
        .iter()
        .map(shown)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A session still in passage, or one whose journal is being sealed.
async fn unfinished(
    desk: &mut Desk<'_>,
    written: &Written,
    session: &Session,
    journal: PathBuf,
    problem: &Unreadable,
) -> Result<u32, Trouble> {
    // What was read of it may be of before its end.
    let again = desk.gateway.store.session(session.number).await?;
    let ended = again.as_ref().unwrap_or(session).end.is_some();
    if ended && desk.terminal.is_plain() {
        let args = [("number", session.number.into())];
        return desk.problem("auditor-being-sealed-wait", &args).await;
    }
    if !ended && desk.terminal.is_plain() {
        // Only the screen of a session in passage can be shown.
        let args = [("number", session.number.into())];
        return desk.problem("auditor-still-open-wait", &args).await;
    }
    let said = if ended {
        "auditor-being-sealed"
    } else {
        "auditor-still-open"
    };
    desk.line(said, &[("number", session.number.into())])
        .await?;
    let keys = Arc::clone(desk.gateway.keeper.keys());
    let (channel, id) = (written.channel.unwrap_or(1), session.start.id);
    let client = session.start.client.clone();
    let opening = desk.gateway.readers.read(desk.person(), move || {
        let frames = JournalFrames::open(&journal).ok()?;
        if let Err(problem) = belongs(&frames.header().facts, id, &client) {
            return Some(Err(problem));
        }
        let key = keys.unwrap(&frames.header().wrapped)?;
        Playback::live(&journal, &key, channel).ok().map(Ok)
    });
    match opening.await {
        Ok(Some(Ok(playback))) => {
            let at = match written.at {
                Some(At::Place(at)) => at,
                // Refused before: nobody knows yet when the channel was opened.
                Some(At::Clock(_)) | None => Duration::ZERO,
            };
            play(desk, written, at, session, playback, Vec::new(), None).await
        }
        Ok(Some(Err(problem))) => missing(desk, session, &problem).await,
        Ok(None) => missing(desk, session, problem).await,
        Err(interrupted) => missing(desk, session, &interrupted.into()).await,
    }
}

async fn play(
    desk: &mut Desk<'_>,
    written: &Written,
    at: Duration,
    session: &Session,
    mut playback: Playback,
    markers: Vec<Duration>,
    length: Option<Duration>,
) -> Result<u32, Trouble> {
    playback.set_speed(written.speed);
    playback.set_idle_limit(Some(written.skip_idle.to_std()).filter(|limit| !limit.is_zero()));
    let who = format!(
        "{} · {}@{}",
        session.start.person, session.start.account, session.start.target
    );
    let played = match playback.seek(at) {
        Ok(()) => {
            let stage = Stage::new(desk, playback, at, markers, length, who);
            stage.run(desk, session).await?
        }
        Err(error) => Err(error.into()),
    };
    match played {
        Ok(()) => Ok(status::DONE),
        Err(Stopped::Refused(refusal)) => desk.refused(&refusal).await,
        Err(Stopped::Unreadable(problem)) => {
            let at = times::countdown(desk.lang(), Span::ZERO);
            let problem = desk.gateway.texts.unreadable(desk.lang(), &problem);
            desk.problem(
                "auditor-damaged",
                &[("at", at.into()), ("problem", problem.into())],
            )
            .await
        }
    }
}
