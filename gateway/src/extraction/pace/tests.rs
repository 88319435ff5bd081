//! Time is an argument: seconds of traffic pass in microseconds.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// A channel that has always something to send, in pieces of so many bytes.
struct Copying {
    waiter: Arc<Waiter>,
    piece: u64,
    sent: u64,
    /// When it looks again.
    wakes: Instant,
}

impl Copying {
    fn new(piece: u64, now: Instant) -> Self {
        let waiter = Waiter::new(now);
        waiter.waits.store(true, Relaxed);
        Self {
            waiter,
            piece,
            sent: 0,
            wakes: now,
        }
    }

    /// Sends as far as it may now.
    fn run(&mut self, pace: &Pace, now: Instant) {
        while self.wakes <= now {
            match pace.turn(self.piece, &self.waiter, now) {
                Turn::Took(bytes) => self.sent += bytes,
                Turn::At(instant) => self.wakes = instant,
                Turn::Behind => return,
            }
        }
    }
}

/// So many milliseconds of several channels that copy, looked at each of them.
fn copy(pace: &Pace, channels: &mut [Copying], from: Instant, millis: u32) {
    for milli in 0..millis {
        let now = from + MS * milli;
        // Whoever is let through wakes the next: a round for each.
        for _ in 0..channels.len() {
            for channel in channels.iter_mut() {
                channel.run(pace, now);
            }
        }
    }
}

fn close(got: u64, wanted: u64, within: f64) -> bool {
    (float(got) - float(wanted)).abs() <= float(wanted) * within
}

/// X3: over five seconds a rate is held within 5 %, from the slowest to a gigabyte a second, in small pieces and large.
#[test]
fn x3_a_rate_is_held_over_five_seconds() {
    let now = clock::monotonic();
    for rate in [1 << 10, 8 << 10, 100_000, 1 << 20, 50 << 20, 1 << 30] {
        for piece in [300, 32 << 10, 256 << 10] {
            let pace = Pace::new(rate, now);
            let mut channels = [Copying::new(piece, now)];
            copy(&pace, &mut channels, now, 5_000);
            let most = piece * 5_000;
            let wanted = (rate * 5).min(most);
            let sent = channels[0].sent;
            // Small pieces a thousand times a second come to less than a gigabyte.
            assert!(
                close(sent, wanted, 0.05) || wanted == most,
                "{rate} B/s in {piece}: {sent}"
            );
            assert!(
                sent <= rate * 5 + rate / 20 + 1,
                "{rate} B/s in {piece}: {sent}"
            );
        }
    }
}

/// Channels that wait for the same rate have the same of it, whatever each has waiting.
#[test]
fn channels_share_a_rate_evenly() {
    let now = clock::monotonic();
    for rate in [8 << 10, 1 << 20] {
        let pace = Pace::new(rate, now);
        let mut channels: Vec<Copying> = [32 << 10, 700, 4_000, 100_000]
            .into_iter()
            .map(|piece| Copying::new(piece, now))
            .collect();
        copy(&pace, &mut channels, now, 20_000);
        let total: u64 = channels.iter().map(|channel| channel.sent).sum();
        assert!(close(total, rate * 20, 0.05), "{total}");
        // Pieces that are smaller than a turn are what they are.
        let large: Vec<u64> = channels
            .iter()
            .filter(|one| one.piece > 1_000)
            .map(|one| one.sent)
            .collect();
        let (least, most) = (large.iter().min().unwrap(), large.iter().max().unwrap());
        assert!(*most <= least * 2 || rate == 1 << 20, "{large:?}");
        assert!(channels.iter().all(|channel| channel.sent > 0));
    }
}

/// X3: sessions side by side have a rate each, and as much of it whether one channel copies there or many.
#[test]
fn x3_sessions_have_their_rate_each_however_many_channels_they_open() {
    let now = clock::monotonic();
    let rate = 1 << 20;
    let sessions = [Paces::default(), Paces::default()];
    let mut all: Vec<(Arc<Pace>, Vec<Copying>)> = sessions
        .iter()
        .zip([1, 20])
        .map(|(paces, count)| {
            let channels = (0..count).map(|_| Copying::new(32 << 10, now)).collect();
            (paces.of(Way::Down, rate), channels)
        })
        .collect();
    for milli in 0..5_000 {
        for (pace, channels) in &mut all {
            copy(pace, channels, now + MS * milli, 1);
        }
    }
    for (_, channels) in &all {
        let total: u64 = channels.iter().map(|channel| channel.sent).sum();
        assert!(
            close(total, rate * 5, 0.05),
            "{} copied {total}",
            channels.len()
        );
    }
    assert!(Arc::ptr_eq(&sessions[0].of(Way::Down, rate), &all[0].0));
}

/// X3: beside channels that copy as fast as they may, what a person types comes back at once, and the rate holds all the same.
#[test]
fn x3_an_echo_goes_ahead_of_a_copy_and_is_owed() {
    let start = clock::monotonic();
    for rate in [1 << 10, 8 << 10, 1 << 20] {
        let pace = Pace::new(rate, start);
        let mut channels = [Copying::new(32 << 10, start), Copying::new(32 << 10, start)];
        let typist = Waiter::new(start);
        let (mut echoed, mut late) = (0, 0);
        for milli in (0..5_000).step_by(100) {
            let now = start + MS * milli;
            copy(&pace, &mut channels, now, 100);
            // Ten keys a second, each echoed by a few bytes.
            if pace.ahead(6, &typist, now + MS * 99) {
                echoed += 6;
            } else {
                late += 1;
            }
        }
        assert_eq!(late, 0, "{rate} B/s: echoes waited");
        let total = echoed + channels.iter().map(|channel| channel.sent).sum::<u64>();
        assert!(close(total, rate * 5, 0.06), "{rate} B/s: {total}");
    }
}

/// Small pieces buy no speed: who sends nothing else is let ahead a little, and then waits like everybody.
#[test]
fn small_pieces_are_not_a_way_around_a_rate() {
    let start = clock::monotonic();
    let rate = 8 << 10;
    let pace = Pace::new(rate, start);
    let waiter = Waiter::new(start);
    waiter.waits.store(true, Relaxed);
    let mut sent = 0;
    for milli in 0..5_000 {
        let now = start + MS * milli;
        while pace.ahead(SMALL, &waiter, now) {
            sent += SMALL;
        }
        while let Turn::Took(bytes) = pace.turn(SMALL, &waiter, now) {
            sent += bytes;
        }
    }
    assert!(close(sent, rate * 5, 0.05), "{sent}");
}

/// One that was interrupted keeps its place and holds nobody up.
#[test]
fn who_does_not_wait_holds_nobody_up() {
    let now = clock::monotonic();
    let pace = Pace::new(1_000, now);
    let (first, second) = (Waiter::new(now), Waiter::new(now));
    for waiter in [&first, &second] {
        waiter.waits.store(true, Relaxed);
    }
    while let Turn::Took(_) = pace.turn(10, &first, now) {}
    assert!(matches!(pace.turn(10, &second, now), Turn::Behind));
    first.waits.store(false, Relaxed);
    let later = now + MS * 500;
    assert!(matches!(pace.turn(10, &second, later), Turn::Took(10)));
    first.waits.store(true, Relaxed);
    assert!(matches!(pace.turn(10, &first, later), Turn::Took(10)));
    pace.forget(&first);
    pace.forget(&second);
    assert!(pace.lock().queue.is_empty());
}
