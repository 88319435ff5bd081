//! Little by little: many connections, and many days. X2.

use super::*;

/// X2: fifty connections one after the other have together what their intervention has, and not a byte more.
#[test]
fn x2_fifty_reconnects_buy_nothing() -> Result<()> {
    let mut site = open_site()?;
    let limits = "session = \"64 GiB\", intervention = \"300 KiB\"";
    budgets(&mut site, limits, "300 KiB")?;
    let (mut total, mut whole) = (0, 0);
    for _ in 0..50 {
        let ssh = site.ssh("alice+db01").run("head -c 20000 plain");
        let answer = ssh.patience(PATIENCE).answer()?;
        total += received(&answer);
        if answer.status == Some(0) {
            whole += 1;
        } else {
            answer.refused(&["a budget is spent: 300 KiB (intervention)"])?;
        }
    }
    ensure!(total <= 300 * KIB, "{total} bytes came");
    ensure!(
        whole > 10 && total > 290 * KIB,
        "{whole} had all, {total} bytes came"
    );
    Ok(())
}

/// X2: somebody who takes a little each day for a month has no more of a day than the day's budget, which begins anew, and no more
/// in all than the intervention's, which does not; restarts and a `kill -9` on the way change nothing.
#[test]
fn x2_a_slow_drip_over_a_month_stays_within_the_intervention() -> Result<()> {
    const DAY: i64 = 24 * 3600;
    let mut site = Site::start_with(|plan| {
        plan.move_clock()?;
        plan.documents.flow("dba")?.at_most = "40d".to_owned();
        plan.documents.extraction =
            "{ session = \"64 GiB\", intervention = \"700 KiB\", technician-day = \"60 KiB\" }"
                .to_owned();
        Ok(())
    })?;
    fill(&site)?;
    let asks = ["request", "db01", "--for", "35d", "--reason", "a month"];
    let asked = site.lobby("alice", &asks).answer()?.success()?.text();
    let number = ecluse_tests::lobby::number(&asked).context("no number")?;
    site.operator(&["approve", &number.to_string()])?
        .success()?;
    // At noon: what belongs to a day is taken before its midnight.
    let now = site.clock().seconds()?;
    site.clock().advance((DAY + DAY / 2 - now % DAY) % DAY)?;
    let (mut total, mut days) = (0, 0);
    for day in 0..30 {
        let mut today = Vec::new();
        for _ in 0..2 {
            let ssh = site.ssh("alice+db01").run("head -c 40000 plain");
            let answer = ssh.patience(PATIENCE).answer()?;
            ensure!(
                total + 40_000 > 700 * KIB || received(&answer) > 0,
                "nothing came on day {day}: {answer:?}"
            );
            today.push(received(&answer));
        }
        let sum: usize = today.iter().sum();
        ensure!(sum <= 60 * KIB, "{today:?} bytes came on day {day}");
        days += usize::from(sum > 55 * KIB);
        total += sum;
        match day {
            4 => {
                site.close()?;
                site.open()?;
            }
            8 => {
                site.kill()?;
                site.open()?;
            }
            _ => {}
        }
        site.clock().advance(DAY)?;
    }
    ensure!(total <= 700 * KIB, "{total} bytes came");
    ensure!(days >= 10, "only {days} days gave what a day gives");
    site.ssh("alice+db01")
        .run("head -c 1 plain")
        .answer()?
        .refused(&["a budget is spent: 700 KiB (intervention)"])?;
    Ok(())
}
