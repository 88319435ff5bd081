//! What every player does, whatever it plays.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ecluse_policy::Lang;
use ecluse_policy::documents::RecordingRules;
use ecluse_recordings::{
    ChannelKind, ChannelOpened, Event as Happens, Playback, Pty, Recorder, Screen,
    Size as ScreenSize,
};

use super::*;
use crate::faces::lobby::testing::{House, lang};
use crate::live::LiveChannel;
use crate::live::tests::session_recorded;
use crate::terminal::below;
use crate::terminal::testing::{Person, person_in};

fn hand(yes: Option<&str>) -> Hand {
    Hand {
        keys: Vec::new(),
        size: Size { cols: 80, rows: 24 },
        sure: false,
        yes: yes.map(str::to_owned),
        over: false,
        moved: false,
    }
}

fn press(hand: &mut Hand, key: char) -> Option<Stopped> {
    hand.take(Event::Key(Key::Char(key)))
}

/// I5: two keys cut, and no other two; what is over is not cut; a recording knows no such key.
#[test]
fn the_red_handle_wants_two_keys() {
    let mut passing = hand(Some("yY"));
    assert!(press(&mut passing, 'c').is_none());
    assert!(passing.ask(true).sure, "the question is shown");
    assert!(matches!(press(&mut passing, 'y'), Some(Stopped::Cut)));
    // Anything else is a no, and the next key means what it says.
    assert!(press(&mut passing, 'c').is_none());
    assert!(press(&mut passing, 'q').is_none());
    assert!(press(&mut passing, 'y').is_none());
    assert!(matches!(
        press(&mut passing, 'q'),
        Some(Stopped::Left { over: false })
    ));
    passing.over = true;
    assert!(press(&mut passing, 'c').is_none());
    assert!(press(&mut passing, 'y').is_none());
    let mut recorded = hand(None);
    assert!(press(&mut recorded, 'c').is_none());
    assert!(press(&mut recorded, 'y').is_none());
    assert_eq!(
        recorded.ask(true).keys,
        [Key::Char('c'), Key::Char('y')],
        "they are the source's to know"
    );
}

/// B7: whoever leans on a key fills no memory, and still leaves at once.
#[test]
fn keys_that_wait_are_bounded_and_leaving_waits_for_none() {
    let mut hand = hand(None);
    for _ in 0..10_000 {
        assert!(press(&mut hand, 'n').is_none());
    }
    assert_eq!(hand.keys.len(), KEYS);
    assert!(matches!(hand.take(Event::Eof), Some(Stopped::Left { .. })));
    assert!(matches!(
        hand.take(Event::Key(Key::Control('c'))),
        Some(Stopped::Left { .. })
    ));
}

/// A picture of one word, larger than what is seen of it, that changes with each key of its own.
struct Word {
    screen: Screen,
    pressed: String,
    over: bool,
}

impl Word {
    fn new() -> Self {
        let mut screen = Screen::new(ScreenSize::clamped(200, 4));
        screen.feed(b"left\x1b[1;100Hmiddle\x1b[1;1H");
        Self {
            screen,
            pressed: String::new(),
            over: false,
        }
    }
}

impl Source for Word {
    fn press(&mut self, key: Key) -> Result<bool, ReadError> {
        let Key::Char(own @ ('n' | 'x')) = key else {
            return Ok(false);
        };
        self.pressed.push(own);
        self.over = own == 'x';
        Ok(true)
    }

    fn draw(&mut self, _: &Turn, canvas: &mut Canvas) -> Result<Stand, ReadError> {
        let sure = if canvas.sure { "sure?" } else { "way out" };
        let mut said = vec![format!("{}{sure}", self.pressed)];
        said.extend(canvas.in_part(&self.screen));
        canvas.show(&self.screen, &said);
        Ok(Stand {
            settled: true,
            due: None,
            over: self.over,
            nothing: self.pressed == "nnn",
        })
    }

    fn can_be_cut(&self) -> bool {
        true
    }
}

/// R11, I5: own keys go to what is played and all others move over it; what is seen of it is said; the looker's own screen
/// comes back at the end, whose words are those of what was looked at. O4: the right is asked before anything more is shown.
#[tokio::test]
async fn one_hand_for_whatever_is_played() {
    enum End {
        Left,
        Over,
        Nothing,
        Cut,
        Right,
    }
    for end in [End::Left, End::Over, End::Nothing, End::Cut, End::Right] {
        let house = House::new().await;
        let visitor = house.visitor("odile");
        let (mut terminal, mut person) = person_in(Some((80, 24)), "xterm", lang(&visitor));
        let may = Arc::new(AtomicBool::new(true));
        let (gateway, asked) = (Arc::clone(&house.gateway), Arc::clone(&may));
        let looking = tokio::spawn(async move {
            let mut desk = Desk {
                terminal: &mut terminal,
                gateway: &gateway,
                visitor: &visitor,
                interactive: false,
                alerted: BTreeSet::new(),
                looked_in: false,
            };
            let may_look = move |_: &Desk<'_>| match asked.load(Ordering::Relaxed) {
                true => Ok(()),
                false => Err(Refusal::NotAnOperator),
            };
            play(&mut desk, Word::new(), &may_look).await
        });
        person.writes("way out").await;
        person.writes("(hjkl)").await;
        assert!(person.text().starts_with("\x1b[?1049h"));
        assert!(!person.text().contains("middle"));
        person.types(b"llllllllllll").await;
        person.writes("middle").await;
        person.types(b"n").await;
        person.writes("nway out").await;
        let before = person.raw().len();
        match end {
            End::Left => person.types(b"q").await,
            End::Over => {
                person.types(b"x").await;
                person.writes_after(before).await;
                person.types(b"q").await;
            }
            End::Nothing => person.types(b"nn").await,
            End::Cut => {
                person.types(b"c").await;
                person.writes("sure?").await;
                person.types(b"y").await;
            }
            End::Right => {
                may.store(false, Ordering::Relaxed);
                person.types(b"x").await;
            }
        }
        let stopped = looking.await.unwrap().unwrap();
        let wanted = match end {
            End::Left => matches!(stopped, Stopped::Left { over: false }),
            End::Over | End::Nothing => matches!(stopped, Stopped::Left { over: true }),
            End::Cut => matches!(stopped, Stopped::Cut),
            End::Right => matches!(stopped, Stopped::Refused(Refusal::NotAnOperator)),
        };
        assert!(wanted, "{stopped:?}");
        let (text, _) = person.all().await;
        assert!(text.ends_with("\x1b[?1049l"), "{text:?}");
        if matches!(end, End::Right) {
            assert!(!text.contains("xway"), "shown without the right: {text:?}");
        }
    }
}

/// Whoever goes back over idle time that is skipped comes to before it, and no press leads to where they were.
#[test]
fn going_back_over_skipped_time_comes_to_before_it() {
    let at = Duration::from_secs;
    let gaps = [(at(13), at(33)), (at(40), at(73))].into_iter().collect();
    let mut place = at(75);
    for wanted in [12, 2, 0] {
        place = recorded::back_over(&gaps, place, at(10));
        assert_eq!(place, at(wanted));
    }
    assert_eq!(recorded::back_over(&gaps, at(60), at(10)), at(10));
    assert_eq!(recorded::back_over(&gaps, at(12), at(10)), at(2));
}

/// The keys are named beside the clock and the part that is seen: in full at 120 columns, in short at 80; all of them on `?`.
#[test]
fn the_keys_of_a_replay_are_seen_beside_the_clock() {
    let texts = crate::texts::Texts::load().unwrap();
    for lang in [Lang::Fr, Lang::En] {
        for (cols, rows, keys) in [(120, 40, "replay-keys"), (80, 24, "replay-keys-short")] {
            let viewer = Size { cols, rows };
            let clock = [
                ("state", "▶".into()),
                ("at", "0:35".into()),
                ("length", "1:15".into()),
                ("speed", "1".into()),
            ];
            let picture = ScreenSize::clamped(120, 40);
            let said = [
                texts.say(lang, "replay-quit", &[]),
                texts.say(lang, "replay-status", &clock),
                texts.say(lang, keys, &[]),
                texts.in_part(lang, picture, viewer).unwrap(),
            ];
            assert_eq!(below::status(&said, 1, viewer), said.join(" · "));
        }
        for all in ["replay-keys-all", "watch-keys-all"] {
            let keys = texts.say(lang, all, &[]);
            let parts: Vec<String> = keys.split(" · ").map(str::to_owned).collect();
            let viewer = Size { cols: 80, rows: 24 };
            assert_eq!(below::status(&parts, 1, viewer), keys);
        }
    }
}

/// A shell with a terminal, recorded, in which `text` stands.
fn shell_in(recorder: &Recorder, channel: u32, text: &str) {
    let opened = ChannelOpened {
        kind: ChannelKind::Shell,
        command: None,
        account: None,
        pty: Some(Pty {
            term: "xterm".into(),
            cols: 80,
            rows: 23,
            modes: Vec::new(),
        }),
        env: Vec::new(),
    };
    recorder
        .append(channel, 1, Happens::opened(&opened))
        .unwrap();
    let output = Happens::Output(text.as_bytes());
    recorder.append(channel, 2, output).unwrap();
    recorder.sync_handle().sync_if_dirty().unwrap();
}

/// Plays something for odile, until she leaves.
fn played(house: &House, source: impl Source) -> (Person, tokio::task::JoinHandle<Stopped>) {
    let visitor = house.visitor("odile");
    let (mut terminal, person) = person_in(Some((120, 24)), "xterm", lang(&visitor));
    let gateway = Arc::clone(&house.gateway);
    let looking = tokio::spawn(async move {
        let mut desk = Desk {
            terminal: &mut terminal,
            gateway: &gateway,
            visitor: &visitor,
            interactive: false,
            alerted: BTreeSet::new(),
            looked_in: false,
        };
        let may_look = |_: &Desk<'_>| Ok(());
        play(&mut desk, source, &may_look).await.unwrap()
    });
    (person, looking)
}

/// What was written, without sequences and blanks: what did not change is not drawn anew, blanks among it.
fn letters(written: &str) -> String {
    let mut in_sequence = false;
    let is_shown = |letter: &char| match *letter {
        '\x1b' => {
            in_sequence = true;
            false
        }
        letter if in_sequence => {
            in_sequence = !letter.is_ascii_alphabetic();
            false
        }
        letter => !letter.is_whitespace(),
    };
    written.chars().filter(is_shown).collect()
}

fn in_house(house: &House) -> Arc<Recorder> {
    let facts = crate::passage::testing::facts(uuid::Uuid::from_u128(7));
    let rules = RecordingRules::default();
    house.gateway.keeper.open(facts, &rules).unwrap()
}

/// R10: what was cut short says so as long as it is looked at.
#[tokio::test]
async fn r10_a_recording_that_was_cut_short_says_so_while_it_is_played() {
    let house = House::new().await;
    let recorder = in_house(&house);
    shell_in(&recorder, 1, "last-words");
    for cut_short in [true, false] {
        let playback = Playback::live(recorder.journal(), recorder.key(), 1).unwrap();
        let source = Recorded::new(playback, Duration::ZERO, Vec::new(), None, "alice".into());
        let source = source.unwrap().cut_short(cut_short);
        let (mut person, looking) = played(&house, source);
        person.writes("last-words").await;
        person.writes("alice").await;
        assert_eq!(person.text().contains("cut short by a crash"), cut_short);
        person.types(b"q").await;
        looking.await.unwrap();
    }
}

/// R10: whoever goes to a moment sees it, however long the way there took: what came after it is not shown first.
#[tokio::test]
async fn r10_a_replay_begins_with_the_moment_that_was_asked_for() {
    let house = House::new().await;
    let recorder = in_house(&house);
    shell_in(&recorder, 1, "asked-for");
    let later = Happens::Output(b"\r\x1b[2KAFTERWARD");
    recorder.append(1, 5_000, later).unwrap();
    recorder.sync_handle().sync_if_dirty().unwrap();
    let playback = Playback::live(recorder.journal(), recorder.key(), 1).unwrap();
    let at = Duration::from_millis(1);
    let source = Recorded::new(playback, at, Vec::new(), None, "alice".into()).unwrap();
    let made = Instant::now();
    while made.elapsed() < Duration::from_millis(20) {
        tokio::task::yield_now().await;
    }
    let (mut person, looking) = played(&house, source);
    person.writes("asked-for").await;
    person.writes("AFTERWARD").await;
    person.types(b"q").await;
    looking.await.unwrap();
}

/// R11: a channel that ends while its session goes on is told with how it ended, before the next one is shown.
#[tokio::test]
async fn r11_a_channel_that_ends_says_how_before_the_next_is_shown() {
    let house = House::new().await;
    let recorder = in_house(&house);
    let journal = recorder.journal().to_owned();
    let (session, _held) = session_recorded(7, journal, recorder.key().clone()).await;
    let mut notices = Vec::new();
    for text in ["first", "OTHER"] {
        let number = session.number_channel();
        shell_in(&recorder, number, text);
        notices.push(session.enter(LiveChannel {
            doing: None,
            number,
            command: None,
            capabilities: vec![ecluse_policy::Capability::Shell],
            terminal: true,
            started: crate::clock::now(),
            closes_at: crate::clock::now(),
        }));
    }
    assert_eq!(house.gateway.live.enter(Arc::clone(&session)), None);
    let (mut person, looking) = played(&house, Present::new(Arc::clone(&session), Some(2)));
    person.writes("OTHER").await;
    recorder.append(2, 3, Happens::ExitStatus(5)).unwrap();
    recorder.append(2, 4, Happens::closed("closed")).unwrap();
    recorder.sync_handle().sync_if_dirty().unwrap();
    session.leave(2);
    session.recorded();
    person.writes("ended:").await;
    let told = letters(&person.text());
    assert!(
        told.contains("channel2ended:exitstatus5\u{b7}thenchannel1"),
        "{told}"
    );
    assert!(!told.contains("first"), "{told}");
    person.types(b"n").await;
    person.writes("first").await;
    person.types(b"q").await;
    let stopped = looking.await.unwrap();
    assert!(matches!(stopped, Stopped::Left { over: false }));
}
