//! One recording, from a place on: which channel, where, and whether it may be seen (R10, R11).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ecluse_policy::{
    AccountName, AsAuditor, ClientId, Lang, PersonId, Refusal, TargetId, Timestamp,
};
use ecluse_recordings::bundle::Language;
use ecluse_recordings::search::{Query, Questions};
use ecluse_recordings::{OpenRecording, Part, Playback, ReadError, layout};
use serde::{Deserialize, Serialize};

use super::opening::{self, find_lines, offset};
use super::place::{begin, part};
use super::{Channel, Ended, Medium, Unshown, Why, look, standing};
use crate::actor::Actor;
use crate::audit::{AuditKind, AuditRecord};
use crate::deeds::typed::{self, At, Length, Speed};
use crate::deeds::{Ask, Subject, Undone, Wants, no_such, right};
use crate::gateway::Gateway;
use crate::live::nodes::there;
use crate::store::{Session, Standing};
use crate::texts::Unreadable;

/// Idle stretches are shortened to this unless said otherwise.
const SKIP_IDLE: Duration = Duration::from_secs(2);

/// Replays a recording.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    /// Of which session.
    #[arg(value_parser = typed::session)]
    pub(crate) session: u64,
    /// Which of its channels; needed on a screen where there are several.
    #[arg(long, value_parser = typed::channel)]
    #[serde(default)]
    pub(crate) channel: Option<u32>,
    /// So many times faster.
    #[arg(long)]
    #[serde(default)]
    pub(crate) speed: Option<Speed>,
    /// Idle stretches are shortened to this; 0 leaves them as they were.
    #[arg(long)]
    #[serde(default, rename = "skip-idle")]
    pub(crate) skip_idle: Option<Length>,
    /// From where on.
    #[arg(long)]
    #[serde(default)]
    pub(crate) at: Option<At>,
    /// From where these words are first to be seen.
    #[arg(long, allow_hyphen_values = true)]
    #[serde(default)]
    pub(crate) find: Option<String>,
    /// As text, where there is a screen too.
    #[arg(long)]
    #[serde(default)]
    pub(crate) text: bool,
    /// What was typed, in clear.
    #[arg(long)]
    #[serde(default)]
    pub(crate) unmask: bool,
}

impl Ask for Replay {
    const ACT: &'static str = "replay";
    const USAGE: &'static str = "replay SESSION [--channel N] [--speed X] [--skip-idle D] [--at D] [--find TEXT] [--text] [--unmask]";
}

/// A recording, at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Replaying {
    /// The number of its session.
    pub(crate) number: u64,
    /// Whose.
    pub(crate) client: ClientId,
    /// The technician.
    pub(crate) person: PersonId,
    /// As which account.
    pub(crate) account: AccountName,
    /// On which target.
    pub(crate) target: TargetId,
    /// When it began.
    pub(crate) started: Timestamp,
    /// How it ended.
    pub(crate) end: Option<Ended>,
    /// How what the gateway's table has of it stands to what the log has.
    pub(crate) standing: Standing,
    /// What there is of it.
    pub(crate) state: State,
    /// Which channel; all of them, where there is none.
    pub(crate) channel: Option<u32>,
    /// From where on, counted from the opening of that channel.
    pub(crate) at: Duration,
    /// Whether it is what was typed, in clear.
    pub(crate) unmask: bool,
}

/// What there is of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// All of it, sealed.
    Sealed,
    /// All that was recorded before a crash, sealed.
    CutShort,
    /// What is recorded so far of a session in passage.
    InPassage,
    /// All of it, being sealed.
    BeingSealed,
}

/// A recording itself, as it is given to a face.
pub(crate) enum What {
    /// To be played on a screen; its markers, and its length where that is known.
    Screen(Box<Playback>, Vec<Duration>, Option<Duration>),
    /// To be written as text.
    Text(OpenRecording, Box<Part>),
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Screen(..) => "Screen",
            Self::Text(..) => "Text",
        })
    }
}

/// An auditor looks into a recording: on record before anything of it is given.
pub(crate) async fn replay(
    house: &Gateway,
    by: &Actor,
    ask: &Replay,
    on: Medium,
) -> Result<(Replaying, What), Undone> {
    let applied = house.applied();
    let auditor = right(house, by, Replay::ACT, by.as_auditor(&applied)).await?;
    let found = house.store.session_on_record(ask.session).await?;
    let Some(session) = found.filter(|session| session.start.client == *auditor.client()) else {
        let client = Some(auditor.client());
        let Some(fault) = house.store.gone_session(client, ask.session).await? else {
            return Err(no_such(house, by, Replay::ACT, Subject::Recording(ask.session)).await);
        };
        house
            .store
            .tell_session_fault(&fault, auditor.now())
            .await?;
        return Err(Undone::Unshown(Box::new(Unshown {
            number: ask.session,
            standing: fault.standing(),
            why: Why::NotInTable,
        })));
    };
    // The recording itself says whose it is and what happened; the table is told about.
    let standing = standing(house, &session, auditor.now()).await?;
    let asked = Asked {
        house,
        by,
        ask,
        session: &session,
        standing,
        text: on == Medium::Text || ask.text || ask.unmask,
    };
    if let Some(why) = asked.meaningless() {
        return Err(asked.unshown(why));
    }
    asked.put_on_record(&auditor).await?;
    asked.given().await.map_err(|undone| match undone {
        Missing::Why(why) => asked.unshown(why),
        Missing::Undone(undone) => undone,
    })
}

/// One replay that is asked for.
struct Asked<'a> {
    house: &'a Gateway,
    by: &'a Actor,
    ask: &'a Replay,
    session: &'a Session,
    standing: Standing,
    text: bool,
}

/// What is given.
type Given = (Replaying, What);

/// Why nothing is given.
enum Missing {
    Why(Why),
    Undone(Undone),
}

impl From<Why> for Missing {
    fn from(why: Why) -> Self {
        Self::Why(why)
    }
}

impl From<Unreadable> for Missing {
    fn from(why: Unreadable) -> Self {
        Self::Why(Why::Unreadable(why))
    }
}

impl Asked<'_> {
    fn unshown(&self, why: Why) -> Undone {
        Undone::Unshown(Box::new(Unshown {
            number: self.session.number,
            standing: self.standing,
            why,
        }))
    }

    /// An option that would mean nothing: none is left out in silence.
    fn meaningless(&self) -> Option<Why> {
        let ask = self.ask;
        if self.session.end.is_none() {
            return self.of_sealed().map(Why::NotYet);
        }
        if self.text && ask.speed.is_some() {
            return Some(Why::NoPace("--speed"));
        }
        if self.text && ask.skip_idle.is_some() {
            return Some(Why::NoPace("--skip-idle"));
        }
        match (ask.at.is_some(), ask.find.is_some()) {
            (true, true) => Some(Why::TwoPlaces),
            (true, false) if ask.unmask => Some(Why::Whole("--at")),
            (false, true) if ask.unmask => Some(Why::Whole("--find")),
            (true, false) | (false, true | false) => None,
        }
    }

    /// An option that means something for a sealed recording alone.
    fn of_sealed(&self) -> Option<&'static str> {
        let ask = self.ask;
        let asks = [
            (matches!(ask.at, Some(At::Clock(_))), "--at HH:MM"),
            (ask.unmask, "--unmask"),
            (ask.text, "--text"),
            (ask.find.is_some(), "--find"),
        ];
        let mut given = asks.into_iter().filter(|(given, _)| *given);
        given.next().map(|(_, option)| option)
    }

    /// Who looked at what, before anything is shown; who may not read it in clear, too.
    async fn put_on_record(&self, auditor: &AsAuditor<'_>) -> Result<(), Undone> {
        let unmasking = match self.ask.unmask {
            true => auditor.unmask(&self.by.proven_code()).map(drop),
            false => Ok(()),
        };
        if let Err(refusal @ Refusal::CodeWanted { .. }) = unmasking {
            return Err(Undone::Wants(Wants::Code(refusal)));
        }
        look(self.house, self.by, Replay::ACT).await?;
        let start = &self.session.start;
        let record = self
            .by
            .record(AuditKind::Replay, auditor.now())
            .client(&start.client)
            .target(&start.target)
            .intervention(start.intervention)
            .session(start.id)
            .detail("number", self.session.number)
            .detail("technician", start.person.to_string());
        let record: AuditRecord = match &unmasking {
            Err(refusal) => record.refused().reason(refusal),
            Ok(()) => {
                let record = record.permitted().detail("unmask", self.ask.unmask);
                match &self.ask.find {
                    Some(text) => record.detail("find", text.as_str()),
                    None => record,
                }
            }
        };
        self.house.store.record(&[record]).await?;
        unmasking.map_err(Undone::Refused)
    }

    async fn given(&self) -> Result<Given, Missing> {
        let Some(dir) = opening::directory(self.house, self.session) else {
            return Err(Unreadable::None.into());
        };
        let opened = opening::read(self.house, self.by.person(), self.session, Ok).await;
        let opened = match opened.unwrap_or_else(|interrupted| Err(interrupted.into())) {
            Err(problem) => Err(there(self.house, self.session, problem).await),
            Ok(recording) => Ok(recording),
        };
        match opened {
            Ok(recording) => self.sealed(recording).await,
            Err(problem @ Unreadable::Elsewhere { .. }) => Err(problem.into()),
            Err(problem) if self.session.end.is_none() || dir.join(layout::LIVE).exists() => {
                self.unsealed(dir.join(layout::LIVE), problem).await
            }
            Err(problem) => Err(problem.into()),
        }
    }

    fn replaying(&self, state: State, channel: Option<u32>, at: Duration) -> Replaying {
        let start = &self.session.start;
        Replaying {
            number: self.session.number,
            client: start.client.clone(),
            person: start.person.clone(),
            account: start.account.clone(),
            target: start.target.clone(),
            started: start.at,
            end: self.session.end.as_ref().map(Ended::of),
            standing: self.standing,
            state,
            channel,
            at,
            unmask: self.ask.unmask,
        }
    }

    async fn sealed(&self, recording: OpenRecording) -> Result<Given, Missing> {
        let record = recording.record();
        let state = match record.cut_short {
            true => State::CutShort,
            false => State::Sealed,
        };
        let (mut asked, mut at) = (self.ask.channel, self.ask.at);
        // Text is looked through as it is printed.
        if let Some(text) = self.ask.find.as_ref().filter(|_| !self.text) {
            let Some((channel, place)) = self.landing(&recording, text).await else {
                return Err(Why::NotIn(text.clone()).into());
            };
            (asked, at) = (Some(channel), Some(At::Place(place)));
        }
        let numbers: Vec<u32> = record.channels.iter().map(|one| one.number).collect();
        let chosen = match (asked, numbers.as_slice()) {
            (Some(channel), numbers) if !numbers.contains(&channel) => {
                let channels = channels(&recording);
                return Err(Why::NoChannel { channel, channels }.into());
            }
            (Some(channel), _) => Some(channel),
            (None, [channel]) => Some(*channel),
            (None, []) => None,
            // Text shows them all, in the order of time.
            (None, [_, _, ..]) if self.text && !matches!(at, Some(At::Place(_))) => None,
            (None, [_, _, ..]) => return Err(Why::SeveralChannels(channels(&recording)).into()),
        };
        let at = begin(at, self.session.start.at, &recording, chosen)?;
        let screen = chosen.filter(|_| !self.text);
        let Some(channel) = screen else {
            let find = self.ask.find.as_deref().map(|text| Query::new([text]));
            let part = Part {
                find: find.transpose().map_err(|_| Why::TooShort)?,
                language: language(self.by.lang()),
                ..part(&recording, self.ask.channel, chosen, at)
            };
            let what = What::Text(recording, Box::new(part));
            return Ok((self.replaying(state, chosen, at), what));
        };
        let one = record.channels.iter().find(|one| one.number == channel);
        let length = one.map_or(0, |one| one.closed_us.saturating_sub(one.opened_us));
        let opening = recording.clone();
        let opened = self.house.readers.read(self.by.person(), move || {
            let playback = Playback::recording(&opening, channel)?;
            let markers = playback.markers().unwrap_or_default();
            let markers: Vec<Duration> = markers.into_iter().map(|(at, _)| at).collect();
            Ok::<_, ReadError>((playback, markers))
        });
        let (playback, markers) = opened
            .await
            .map_err(Unreadable::from)?
            .map_err(Unreadable::from)?;
        let length = Some(Duration::from_micros(length));
        let what = What::Screen(self.paced(playback), markers, length);
        Ok((self.replaying(state, Some(channel), at), what))
    }

    fn paced(&self, mut playback: Playback) -> Box<Playback> {
        playback.set_speed(self.ask.speed.map_or(1.0, |speed| speed.0));
        let idle = self.ask.skip_idle;
        let idle = idle.map_or(SKIP_IDLE, |Length(idle)| idle.to_std());
        playback.set_idle_limit(Some(idle).filter(|limit| !limit.is_zero()));
        Box::new(playback)
    }

    /// The channel and the place where `text` is first to be seen.
    async fn landing(&self, recording: &OpenRecording, text: &str) -> Option<(u32, Duration)> {
        let questions = Questions::new([text], language(self.by.lang())).ok()?;
        let (recording, channel) = (recording.clone(), self.ask.channel);
        let reading = self.house.readers.read(self.by.person(), move || {
            let mut first: Option<(u64, u32, Duration)> = None;
            let read = find_lines(&recording, &questions, |line| {
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
        let (_, channel, place) = reading.await.ok().flatten()?;
        // As an auditor would type it: what happens within that millisecond is shown.
        let place = u64::try_from(place.as_micros().div_ceil(1000)).ok()?;
        Some((channel, Duration::from_millis(place)))
    }

    /// A session still in passage, or one whose journal is being sealed.
    async fn unsealed(&self, journal: PathBuf, problem: Unreadable) -> Result<Given, Missing> {
        // What was read of it may be of before its end.
        let store = &self.house.store;
        let again = store.session_on_record(self.session.number).await;
        let again = again.map_err(|error| Missing::Undone(error.into()))?;
        let ended = again.as_ref().unwrap_or(self.session).end.is_some();
        let state = match (ended, self.text) {
            (true, false) => State::BeingSealed,
            (false, false) => State::InPassage,
            // Only a screen can be shown of it.
            (true, true) => return Err(Why::BeingSealed.into()),
            (false, true) => return Err(Why::InPassage.into()),
        };
        // Nobody knows yet when the channel was opened, nor has the words.
        if let Some(option) = self.of_sealed() {
            return Err(Why::NotSealed(option).into());
        }
        let keys = Arc::clone(self.house.keeper.keys());
        let channel = self.ask.channel.unwrap_or(1);
        let start = &self.session.start;
        let (id, client) = (start.id, start.client.clone());
        let opening = self.house.readers.read(self.by.person(), move || {
            opening::live(&journal, id, &client, &keys, channel)
        });
        let Some(playback) = opening.await.map_err(Unreadable::from)?? else {
            return Err(problem.into());
        };
        let at = match self.ask.at {
            Some(At::Place(at)) => at,
            // Refused above.
            Some(At::Clock(_)) | None => Duration::ZERO,
        };
        let what = What::Screen(self.paced(playback), Vec::new(), None);
        Ok((self.replaying(state, Some(channel), at), what))
    }
}

fn channels(recording: &OpenRecording) -> Vec<Channel> {
    let channels = recording.record().channels.iter();
    let channel = |channel: &ecluse_recordings::ChannelRecord| Channel {
        number: channel.number,
        command: channel.command(),
    };
    channels.map(channel).collect()
}

fn language(lang: Lang) -> Language {
    match lang {
        Lang::Fr => Language::French,
        Lang::En => Language::English,
    }
}
