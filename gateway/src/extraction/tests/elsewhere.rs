//! Channels of several gateways on one budget, and what passes whole or not at all.

use super::*;

const INTERVENTION: &str = "down/intervention/00000000-0000-0000-0000-000000000001";

/// X2, X3: many channels that pass next to nothing keep next to nothing of what they drew; and whoever finds nothing left on
/// another gateway has that given back, before anybody is told that a budget is used up which is not.
#[tokio::test]
async fn x2_channels_that_trickle_leave_the_budget_to_those_elsewhere() {
    let till = Arc::new(Till::default());
    till.shared.store(true, SeqCst);
    let (here, there) = (Site::on(Arc::clone(&till)), Site::on(Arc::clone(&till)));
    let list = || vec![budget(Level::Intervention, 2 << 20, AtLimit::End)];
    let trickling: Vec<Channel> = (0..34).map(|number| here.open(list(), number)).collect();
    for channel in &trickling {
        channel.send(1).await;
    }
    here.accounts.look().await;
    let held = till.spent(INTERVENTION);
    assert!(held <= 34 * ((4 << 10) + 1), "{held} bytes are drawn");
    let looking = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            here.accounts.look().await;
        }
    };
    let channel = there.open(list(), 40);
    let sent = tokio::select! {
        sent = channel.send_all(10_000) => sent,
        () = looking => unreachable!("it never ends"),
    };
    assert_eq!(sent, (2 << 20) - 34);
    assert_eq!(till.spent(INTERVENTION), 2 << 20);
    // Nobody is asked any more.
    let all = [INTERVENTION.to_owned()];
    while !Bank::called_in(&*till, &all).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// X1: what passes whole or not at all costs what it is, and nothing where it does not pass: what was paid for it goes back, to
/// whatever it came from.
#[tokio::test]
async fn x1_what_does_not_pass_whole_costs_nothing() {
    let site = Site::new();
    let channel = site.open(vec![budget(Level::Session, 100_000, AtLimit::Hold)], 1);
    let mut whole = channel.toll.whole(Way::Down);
    whole.pay(70_000).await;
    whole.passes();
    let mut too_large = channel.toll.whole(Way::Down);
    let heard = &channel.heard;
    tokio::select! {
        () = too_large.pay(30_001) => panic!("more passed than the budget"),
        () = heard.told.notified() => {}
    }
    assert_eq!(*heard.holds.lock().unwrap(), [true]);
    assert_eq!(site.till.spent(SESSION), 100_000);
    // Other budgets are in force meanwhile.
    channel.toll.renew(budgeted(
        vec![budget(Level::Channel, 1_000, AtLimit::End)],
        1,
    ));
    drop(too_large);
    channel.toll.close();
    site.accounts
        .settle(std::time::Duration::from_secs(5))
        .await;
    while site.till.spent(SESSION) != 70_000 {
        tokio::task::yield_now().await;
    }
    // Where nothing bounds it, it is booked as it passes.
    let unlimited = Budget {
        bytes: Limit::Unlimited,
        ..budget(Level::Session, 0, AtLimit::End)
    };
    let free = site.open(vec![unlimited], 2);
    for passes in [false, true] {
        let mut whole = free.toll.whole(Way::Down);
        whole.pay(500).await;
        if passes {
            whole.passes();
        }
    }
    site.accounts.look().await;
    assert_eq!(site.till.spent(SESSION), 70_500);
}
