use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use ecluse_policy::extraction::{AtLimit, Budgets, ByteCount, ByteRate, Level, Limit, Percent};
use ecluse_policy::{ClientId, InterventionId, PersonId, SessionId, TargetId};
use proptest::prelude::*;
use tokio::sync::Notify;
use uuid::Uuid;

use super::accounts::Accounts;
use super::budgeted::{Budgeted, Counted};
use super::pace::Paces;
use super::toll::Toll;
use super::*;
use crate::store::Booked;

mod elsewhere;
mod holding;
mod till;

use self::till::Till;

/// Hears what is told.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    reached: Mutex<Vec<(Level, Threshold)>>,
    over: Mutex<Vec<(Level, Threshold)>>,
    /// Each time that it was held or went on.
    holds: Mutex<Vec<bool>>,
    told: Notify,
}

impl Teller for Heard {
    fn reached(&self, reached: Reached) {
        let mut heard = self.reached.lock().unwrap();
        let news = (reached.budget.level, reached.what);
        if !heard.contains(&news) {
            heard.push(news);
        }
    }

    fn over(&self, reached: Reached) {
        self.over
            .lock()
            .unwrap()
            .push((reached.budget.level, reached.what));
        self.told.notify_one();
    }

    fn held(&self, _: Reached) {
        let mut holds = self.holds.lock().unwrap();
        if holds.last() != Some(&true) {
            holds.push(true);
            self.told.notify_one();
        }
    }

    fn goes_on(&self, _: Way) {
        self.holds.lock().unwrap().push(false);
    }
}

fn budget(level: Level, bytes: u64, at_limit: AtLimit) -> Budget {
    Budget {
        level,
        way: Way::Down,
        bytes: Limit::Bytes(ByteCount::new(bytes)),
        warn: Percent::WARN,
        at_limit,
    }
}

fn slow() -> AtLimit {
    AtLimit::Slow {
        rate: ByteRate::parse("1 GiB/s").unwrap(),
        ceiling: Percent::CEILING,
    }
}

fn budgeted(list: Vec<Budget>, channel: u64) -> Arc<Budgeted> {
    Arc::new(Budgeted {
        budgets: Budgets {
            list,
            ..Budgets::default()
        },
        counted: Counted {
            node: "here".into(),
            client: ClientId::parse("hopital").unwrap(),
            target: TargetId::parse("db01").unwrap(),
            person: PersonId::parse("alice").unwrap(),
            intervention: InterventionId::from_uuid(Uuid::from_u128(1)),
            session: SessionId::from_uuid(Uuid::from_u128(2)),
            channel,
        },
    })
}

const SESSION: &str = "down/session/00000000-0000-0000-0000-000000000002";

/// A channel of session 2 and what it hears.
struct Channel {
    toll: Arc<Toll>,
    heard: Arc<Heard>,
}

struct Site {
    till: Arc<Till>,
    accounts: Arc<Accounts>,
    paces: Arc<Paces>,
}

impl Site {
    fn new() -> Self {
        Self::on(Arc::default())
    }

    /// A gateway that draws on `till`.
    fn on(till: Arc<Till>) -> Self {
        let bank: Arc<dyn Bank> = Arc::clone(&till) as _;
        Self {
            accounts: Accounts::new(bank),
            till,
            paces: Arc::default(),
        }
    }

    fn open(&self, list: Vec<Budget>, channel: u64) -> Channel {
        let heard = Arc::new(Heard::default());
        let teller: Arc<dyn Teller> = Arc::clone(&heard) as _;
        let toll = Toll::open(&self.accounts, &self.paces, budgeted(list, channel), teller);
        Channel { toll, heard }
    }
}

impl Channel {
    /// Waits until an account has let nothing more pass.
    async fn until_over(&self) {
        while self.heard.over.lock().unwrap().is_empty() {
            self.heard.told.notified().await;
        }
    }

    /// Sends as long as something may go, in pieces of so many bytes: how much went.
    async fn send_all(&self, piece: usize) -> u64 {
        let mut sent = 0;
        let over = self.heard.told.notified();
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                paid = self.toll.pay(Way::Down, piece) => sent += paid as u64,
                () = &mut over => return sent,
            }
        }
    }

    async fn send(&self, mut bytes: usize) {
        while bytes > 0 {
            bytes -= self.toll.pay(Way::Down, bytes).await;
        }
    }
}

/// Waits until a budget lets nothing more pass.
#[derive(Debug)]
pub(crate) struct Over(Arc<Heard>);

impl Over {
    pub(crate) async fn until(&mut self) {
        while self.0.over.lock().unwrap().is_empty() {
            self.0.told.notified().await;
        }
    }
}

/// A toll with a budget of its session for each way, and a rate of what leaves.
pub(super) fn bounded(budgets: &[(Way, u64)], rate: Option<u64>) -> (Arc<Toll>, Over) {
    let of = |(way, bytes): &(Way, u64)| Budget {
        way: *way,
        ..budget(Level::Session, *bytes, AtLimit::End)
    };
    let mut rules = Budgeted::clone(&budgeted(budgets.iter().map(of).collect(), 1));
    rules.budgets.rate_down = rate.and_then(|rate| ByteRate::parse(&format!("{rate} B/s")).ok());
    let site = Site::new();
    let heard = Arc::new(Heard::default());
    let teller: Arc<dyn Teller> = Arc::clone(&heard) as _;
    let toll = Toll::open(&site.accounts, &site.paces, Arc::new(rules), teller);
    (toll, Over(heard))
}

/// A toll by which everything passes at once.
pub(super) fn free() -> Arc<Toll> {
    let site = Site::new();
    site.open(Vec::new(), 1).toll
}

/// X3: a mark that was told of a smaller budget is told again where that comes back: what is not in force any more is said to
/// whoever keeps what is told.
#[tokio::test]
async fn x3_what_was_told_of_a_smaller_budget_is_told_again() {
    let site = Site::new();
    let (client, hold) = (budget(Level::Client, 1 << 20, AtLimit::End), |bytes| {
        budget(Level::Session, bytes, AtLimit::Hold)
    });
    let channel = site.open(vec![client, hold(1_000)], 1);
    let others = || {
        let all = site.till.others.lock().unwrap().clone();
        all.into_iter()
            .map(|(account, budget)| (account, budget.bytes))
            .collect::<Vec<_>>()
    };
    for list in [vec![client, hold(2_000)], vec![client, hold(2_000)], vec![]] {
        channel.toll.renew(budgeted(list, 1));
    }
    site.accounts
        .settle(std::time::Duration::from_secs(5))
        .await;
    let gone = others();
    let of_session = |bytes: u64| (SESSION.to_owned(), hold(bytes).bytes);
    let sessions: Vec<_> = gone
        .iter()
        .filter(|(account, _)| account == SESSION)
        .collect();
    assert_eq!(sessions, [&of_session(1_000), &of_session(2_000)]);
    assert_eq!(gone.len(), 3, "and the client's once: {gone:?}");
}

/// X1: to the last byte of a budget, and not one more, whatever the pieces are; what was reserved is what passed.
#[tokio::test]
async fn x1_exactly_the_budget_passes() {
    for (bytes, piece) in [
        (0, 10),
        (1, 10),
        (4_096, 1),
        (50_000, 700),
        (3 << 20, 32 << 10),
    ] {
        let site = Site::new();
        let channel = site.open(vec![budget(Level::Session, bytes, AtLimit::End)], 1);
        assert_eq!(channel.send_all(piece).await, bytes);
        assert_eq!(site.till.spent(SESSION), bytes);
        assert_eq!(
            *channel.heard.over.lock().unwrap(),
            [(Level::Session, Threshold::Limit)]
        );
    }
}

/// X3: where a budget slows, its ceiling takes the place of its limit; both are told, the warning before them.
#[tokio::test]
async fn x3_a_slowed_budget_goes_on_to_its_ceiling_and_is_held_there() {
    let site = Site::new();
    let channel = site.open(vec![budget(Level::Session, 100_000, slow())], 1);
    assert_eq!(channel.send_all(1_000).await, 110_000);
    assert!(channel.heard.over.lock().unwrap().is_empty(), "it ended");
    let (session, heard) = (Level::Session, &channel.heard);
    assert_eq!(
        *heard.reached.lock().unwrap(),
        [(session, Threshold::Warn), (session, Threshold::Limit)]
    );
    assert_eq!(*heard.holds.lock().unwrap(), [true]);
}

/// X3: what is used up waits, for as long as it takes, until somebody adds to it; then exactly that much passes.
#[tokio::test]
async fn x3_what_is_held_goes_on_when_somebody_adds_to_it() {
    let site = Site::new();
    let hold = budget(Level::Session, 100_000, AtLimit::Hold);
    let channel = site.open(vec![hold], 1);
    assert_eq!(channel.send_all(900).await, 100_000);
    let waiting = channel.toll.pay(Way::Down, 10);
    tokio::pin!(waiting);
    for _ in 0..100 {
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        tokio::task::yield_now().await;
    }
    site.till.extra.store(50_000, SeqCst);
    site.accounts.ask_again();
    assert_eq!(waiting.await, 10);
    assert_eq!(channel.send_all(900).await, 49_990);
    assert_eq!(*channel.heard.holds.lock().unwrap(), [true, false, true]);
    assert_eq!(site.till.spent(SESSION), 150_000);
    // Another budget, written or none at all, lets it go on as well.
    channel.toll.renew(budgeted(Vec::new(), 1));
    channel.send(1_000_000).await;
    while channel.heard.holds.lock().unwrap().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        *channel.heard.holds.lock().unwrap(),
        [true, false, true, false]
    );
}

/// X2: channels side by side have one budget, and one that wants more gets what others hold and do not use.
#[tokio::test]
async fn x2_what_one_channel_holds_idle_another_may_send() {
    let site = Site::new();
    let list = || vec![budget(Level::Session, 300_000, AtLimit::End)];
    let (idle, busy) = (site.open(list(), 1), site.open(list(), 2));
    idle.send(1_000).await;
    assert_eq!(busy.send_all(10_000).await, 299_000);
    assert_eq!(site.till.spent(SESSION), 300_000);
}

/// X2: what a channel did not use is there again once it has ended, or lies idle; what it keeps meanwhile is little.
#[tokio::test]
async fn x2_what_is_not_used_goes_back() {
    let site = Site::new();
    let list = || vec![budget(Level::Session, 1 << 30, AtLimit::End)];
    let channel = site.open(list(), 1);
    channel.send(10_000).await;
    assert_eq!(site.till.spent(SESSION), 64 << 10);
    site.accounts.look().await;
    assert_eq!(
        site.till.spent(SESSION),
        10_000 + 40_000,
        "four times as much as it used a moment ago"
    );
    site.accounts.look().await;
    assert_eq!(site.till.spent(SESSION), 10_000 + (4 << 10));
    assert_eq!(site.accounts.unused_of(SESSION), 4 << 10);
    channel.toll.close();
    site.accounts
        .settle(std::time::Duration::from_secs(5))
        .await;
    assert_eq!(site.till.spent(SESSION), 10_000);
}

/// X2: what was drawn for a day that is over pays for nothing on the next.
#[tokio::test]
async fn x2_what_is_drawn_for_a_day_goes_back_when_it_is_over() {
    let site = Site::new();
    let channel = site.open(vec![budget(Level::Client, 1 << 30, AtLimit::End)], 1);
    channel.send(1_000).await;
    let charges = channel
        .toll
        .budgeted()
        .charges(Way::Down, crate::clock::now());
    let today = &charges[0].account;
    assert!(site.till.spent(&today.key) > 1_000);
    site.accounts.look_at(today.until.unwrap()).await;
    assert_eq!(site.till.spent(&today.key), 1_000);
}

/// X2: a day is the one that the gateways agree on, whatever this machine's clock shows: no clock that is set brings a new one.
#[tokio::test]
async fn x2_days_go_by_the_agreed_clock() {
    let now = crate::clock::now();
    let there = now.minus(ecluse_policy::Span::from_hours(42));
    crate::clock::store_shows(there);
    let site = Site::new();
    let unlimited = Budget {
        bytes: Limit::Unlimited,
        ..budget(Level::Target, 0, AtLimit::End)
    };
    let channel = site.open(
        vec![budget(Level::Client, 1 << 30, AtLimit::End), unlimited],
        1,
    );
    let free = site.open(vec![unlimited], 2);
    channel.send(1_000).await;
    free.send(500).await;
    site.accounts.look().await;
    let of = |channel: &Channel, at| {
        let charges = channel.toll.budgeted().charges(Way::Down, at);
        charges.into_iter().map(|charge| charge.account.key)
    };
    for (channel, passed) in [(&channel, 1_000), (&free, 500)] {
        for (there, here) in of(channel, there).zip(of(channel, now)) {
            assert!(site.till.spent(&there) >= passed, "{there}");
            assert_eq!(site.till.spent(&here), 0, "{here}");
        }
    }
}

/// While the store is away, what is drawn passes, and what is not waits; nothing is lost when it is back.
#[tokio::test]
async fn what_is_not_drawn_waits_for_the_store() {
    let site = Site::new();
    let channel = site.open(vec![budget(Level::Session, 200_000, AtLimit::End)], 1);
    channel.send(10).await;
    site.till.away.store(true, SeqCst);
    // A quarter of the budget was drawn.
    channel.send(50_000 - 10).await;
    let waiting = channel.toll.pay(Way::Down, 10);
    tokio::pin!(waiting);
    for _ in 0..100 {
        assert!(futures_util::FutureExt::now_or_never(&mut waiting).is_none());
        tokio::task::yield_now().await;
    }
    site.till.away.store(false, SeqCst);
    assert_eq!(waiting.await, 10);
    assert_eq!(50_010 + channel.send_all(900).await, 200_000);
}

/// Other budgets are in force at once: what was drawn by the old ones goes back before anything passes by the new.
#[tokio::test]
async fn a_changed_budget_acts_on_what_is_open() {
    let site = Site::new();
    let channel = site.open(vec![budget(Level::Session, 1 << 30, AtLimit::End)], 1);
    channel.send(100_000).await;
    channel.toll.renew(budgeted(
        vec![budget(Level::Session, 150_000, AtLimit::End)],
        1,
    ));
    assert_eq!(channel.send_all(1_000).await, 50_000);
    // A wider one lets it go on.
    channel.toll.renew(budgeted(
        vec![budget(Level::Session, 160_000, AtLimit::End)],
        1,
    ));
    assert_eq!(channel.send_all(1_000).await, 10_000);
    // None bounds it any more: what passes is booked all the same.
    let unlimited = Budget {
        bytes: Limit::Unlimited,
        ..budget(Level::Session, 0, AtLimit::End)
    };
    channel.toll.renew(budgeted(vec![unlimited], 1));
    channel.send(1_000_000).await;
    site.accounts.look().await;
    assert_eq!(site.till.spent(SESSION), 1_160_000);
}

/// A stream that is paid for asks the store seldom: the slices grow.
#[tokio::test]
async fn the_store_is_asked_seldom() {
    let site = Site::new();
    let channel = site.open(vec![budget(Level::Session, 1 << 40, AtLimit::End)], 1);
    for _ in 0..32_768 {
        channel.send(32 << 10).await;
    }
    let asked = *site.till.asked.lock().unwrap();
    assert!(asked < 200, "{asked} questions for a gigabyte");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// X2: however many channels, in whatever order they send, end and lie idle: together never more than the least budget,
    /// and the books say in the end what passed.
    #[test]
    fn x2_no_order_of_things_buys_a_byte(
        session in 0u64..200_000,
        intervention in 0u64..200_000,
        steps in proptest::collection::vec((0usize..4, 0usize..6, 1usize..40_000), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let site = Site::new();
            let list = || vec![
                budget(Level::Intervention, intervention, AtLimit::End),
                budget(Level::Session, session, AtLimit::End),
            ];
            let mut channels: Vec<Channel> = (0..4).map(|n| site.open(list(), n)).collect();
            let mut sent = 0;
            for (which, what, bytes) in steps {
                match what {
                    0 => {
                        channels[which].toll.close();
                        channels[which] = site.open(list(), 9);
                    }
                    1 => site.accounts.look().await,
                    2 => channels[which].toll.renew(budgeted(list(), which as u64)),
                    _ => {
                        let channel = &channels[which];
                        tokio::select! {
                            paid = channel.toll.pay(Way::Down, bytes) => sent += paid as u64,
                            () = channel.until_over() => {}
                        }
                    }
                }
                prop_assert!(sent <= session.min(intervention));
            }
            for channel in &channels {
                channel.toll.close();
            }
            // Draws that were under way come back too.
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            site.accounts.settle(std::time::Duration::from_secs(5)).await;
            prop_assert_eq!(site.till.spent(SESSION), sent);
            Ok(())
        })?;
    }
}
