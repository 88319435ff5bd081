//! What no line lists, and what no line can give: refused in words, and nothing is connected to.

use anyhow::{Result, ensure};
use ecluse_tests::{Answer, store, wait};

use super::{Ground, PATIENCE, said};

impl Ground {
    /// `ssh -W` to a place.
    fn asks(&self, place: &str) -> Result<Answer> {
        self.site
            .ssh("alice+db01")
            .flag("-W")
            .flag(place)
            .option("LogLevel INFO")
            .answer()
    }
}

/// F1, F6: each is refused by itself, in words that say what is missing, and on record.
#[test]
fn f6_nothing_passes_that_is_not_listed_in_as_many_letters() -> Result<()> {
    let ground = Ground::start_with(|plan, places| {
        let (door, target) = (plan.ports.door, plan.ports.target);
        let allow = &mut plan.documents.flow("dba")?.allow;
        // What may be listed and is given by no line: the target's own door, and the gateway's.
        allow.push(format!("forward: 127.0.0.1:{target}"));
        allow.push(format!("forward: 127.0.0.1:{door}"));
        allow.push(format!("forward: [::1]:{}", places.other));
        Ok(())
    })?;
    let (echo, other) = (ground.places.echo, ground.places.other);
    let (door, target) = (
        ground.site.plan().ports.door,
        ground.site.plan().ports.target,
    );
    for (place, words) in [
        (
            format!("127.0.0.1:{other}"),
            format!("forward: 127.0.0.1:{other}"),
        ),
        (
            format!("localhost:{other}"),
            format!("forward: 127.0.0.1:{other}"),
        ),
        (format!("127.1:{echo}"), "four decimal numbers".to_owned()),
        (format!("0x7f.1:{echo}"), "four decimal numbers".to_owned()),
        (
            format!("2130706433:{echo}"),
            "four decimal numbers".to_owned(),
        ),
        (
            format!("0.0.0.0:{echo}"),
            "no place to connect to".to_owned(),
        ),
        (
            format!("foo.localhost:{echo}"),
            "the target itself is written".to_owned(),
        ),
        (format!("[::1]:{echo}"), format!("forward: [::1]:{echo}")),
        (
            format!("127.0.0.2:{echo}"),
            format!("forward: 127.0.0.2:{echo}"),
        ),
        (
            format!("127.0.0.1:{target}"),
            format!("forward: 127.0.0.1:{target}"),
        ),
        (
            format!("127.0.0.9:{target}"),
            format!("forward: 127.0.0.9:{target}"),
        ),
        (
            format!("127.0.0.1:{door}"),
            "a door of the gateway".to_owned(),
        ),
        (
            "169.254.169.254:80".to_owned(),
            "forward: 169.254.169.254:80".to_owned(),
        ),
    ] {
        let answer = ground.asks(&place)?;
        if place == format!("127.0.0.1:{target}") {
            // Listed and never given: nobody is told to ask for it again, but how one works there.
            let told = said(&answer);
            ensure!(
                told.contains("the door of several of your targets: db01, web01")
                    && told.contains(&format!("ssh -J alice@127.0.0.1:{door} ACCOUNT@TARGET"))
                    && !told.contains("request db01"),
                "{told}"
            );
        }
        ensure!(answer.status != Some(0), "{place}: {answer:?}");
        ensure!(
            said(&answer).contains(&words),
            "{place}: {words}: {answer:?}"
        );
    }
    // Whoever jumps to an address of several reads which they are.
    let shared = ground.site.ssh("alice").option("LogLevel INFO");
    let shared = shared.flag("-W").flag(format!("127.0.0.1:{target}"));
    let shared = said(&shared.answer()?.status_is(255)?);
    ensure!(shared.contains("db01, web01"), "{shared}");
    // `explain` answers as the gateway does.
    let asked = format!("forward: 127.0.0.1:{door}");
    let explained = ground
        .site
        .gateway()
        .try_run(["explain", "alice", "db01", &asked], "")?;
    let told = String::from_utf8_lossy(&explained.stdout).into_owned();
    ensure!(
        explained.status.code() == Some(3) && told.contains("a door of the gateway"),
        "{explained:?}"
    );
    // By the mapped spelling of what is listed it is the same place.
    let mapped = ground.asks(&format!("[::ffff:127.0.0.1]:{echo}"))?;
    ensure!(mapped.text().starts_with("220 ready"), "{mapped:?}");
    // It is listed, and nothing answers there.
    let silent = ground.asks(&format!("[::1]:{other}"))?;
    ensure!(
        said(&silent).contains("connect failed") && said(&silent).contains("does not reach"),
        "{silent:?}"
    );
    wait::until_true("the refusals on record", PATIENCE, || {
        let refused = store::audit(&ground.site, "flow-refused")?;
        let names = |record: &serde_json::Value, what: &str| {
            record["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains(what))
        };
        Ok(refused
            .iter()
            .any(|one| names(one, &format!("forward: 127.0.0.1:{other}"))))
    })?;
    let entries = store::audit(&ground.site, "forwarded")?;
    let not_reached = entries
        .iter()
        .filter(|one| one["detail"]["outcome"] == "not-reached");
    ensure!(not_reached.count() == 2, "{entries:?}");
    Ok(())
}
