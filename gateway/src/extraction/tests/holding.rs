//! What is told of a budget that is used up, and who asks whether it still is.

use super::*;

/// X3: what is drawn is not what has passed. Nobody is told that a budget is used up where its last bytes were drawn and went
/// back, and nothing was refused; whoever then wants more than is left is held, and hears so.
#[tokio::test]
async fn x3_a_budget_is_used_up_by_what_is_refused_and_not_by_what_is_drawn() {
    let site = Site::new();
    let hold = || vec![budget(Level::Session, 51_200, AtLimit::Hold)];
    let first = site.open(hold(), 1);
    first.send(48_511).await;
    // Whoever draws ahead has drawn the rest.
    while site.till.spent(SESSION) < 51_200 {
        tokio::task::yield_now().await;
    }
    first.toll.close();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.till.spent(SESSION), 48_511);
    let warned = (Level::Session, Threshold::Warn);
    assert_eq!(*first.heard.reached.lock().unwrap(), [warned]);
    assert!(first.heard.holds.lock().unwrap().is_empty());
    let second = site.open(hold(), 2);
    assert_eq!(second.send_all(700).await, 51_200 - 48_511);
    assert_eq!(*second.heard.holds.lock().unwrap(), [true]);
}

/// X3: a channel that sends nothing asks on behalf of its session, once another that was held has ended; what is added lets
/// it go on, and so does a budget that bounds it no more.
#[tokio::test]
async fn x3_whoever_is_left_asks_whether_the_session_is_still_held() {
    let site = Site::new();
    let hold = || vec![budget(Level::Session, 50_000, AtLimit::Hold)];
    let (idle, busy) = (site.open(hold(), 1), site.open(hold(), 2));
    assert_eq!(busy.send_all(900).await, 50_000);
    assert!(idle.heard.holds.lock().unwrap().is_empty());
    idle.toll.is_held(Way::Down);
    busy.toll.close();
    let heard = &idle.heard.holds;
    while heard.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*heard.lock().unwrap(), [true]);
    site.till.extra.store(10_000, SeqCst);
    site.accounts.ask_again();
    while heard.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*heard.lock().unwrap(), [true, false]);
    // A way that nothing bounds is held no longer than it takes to ask.
    idle.toll.is_held(Way::Up);
    while heard.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
}

/// X3: a budget that is used to its last byte, and of which nothing more is wanted, holds nothing and ends nothing; the next
/// byte does.
#[tokio::test]
async fn x3_a_budget_that_is_used_exactly_holds_nothing() {
    for at_limit in [AtLimit::Hold, AtLimit::End] {
        let site = Site::new();
        let list = || vec![budget(Level::Session, 200, at_limit)];
        let channel = site.open(list(), 1);
        channel.send(200).await;
        // Nor does a channel that is opened then, and draws ahead.
        let other = site.open(list(), 2);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        for heard in [&channel.heard, &other.heard] {
            assert!(heard.over.lock().unwrap().is_empty(), "it ended");
            assert!(heard.holds.lock().unwrap().is_empty(), "it is held");
        }
        tokio::select! {
            () = other.toll.until_ready() => panic!("there is nothing"),
            () = other.heard.told.notified() => {}
        }
        assert_eq!(channel.send_all(1).await, 0);
    }
}
