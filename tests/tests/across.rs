//! Two gateways on one PostgreSQL: what an operator does at one reaches sessions of the other. I5, O4, DESIGN §10.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ecluse_tests::clock::Clock;
use ecluse_tests::layout::write_private;
use ecluse_tests::{Site, Terminal, keys, store, wait};
use serde_json::Value;

#[path = "across/exported.rs"]
mod exported;
#[path = "across/taken_out.rs"]
mod taken_out;

const PATIENCE: Duration = Duration::from_secs(60);
/// Invariant 6, with room for a machine on which other tests run: the operator's own wait is a second at most.
const AT_ONCE: Duration = Duration::from_secs(3);
const OTHER_OPERATOR: &str = "other-operator";

/// Two gateways, here and there, and another client that has an operator. The target is the first one's.
fn two_nodes() -> Result<(Site, Site)> {
    let address = store::database()?;
    let here = Site::start_with(|plan| {
        plan.documents.settings.store = address;
        let key = keys::pair(&plan.layout, OTHER_OPERATOR)?;
        let mairie = format!(
            "[client]\nid = \"mairie\"\nname = \"Mairie\"\nlang = \"en\"\n[[operator]]\nid = \"{OTHER_OPERATOR}\"\nname = \"Zoé\"\nkeys = [\"{key}\"]\n"
        );
        write_private(&plan.layout.config().join("clients/mairie.toml"), &mairie)?;
        plan.enrolled.push(OTHER_OPERATOR.to_owned());
        Ok(())
    })?;
    let there = here.beside()?;
    Ok((here, there))
}

fn node(site: &Site) -> String {
    format!("127.0.0.1:{}", site.plan().ports.door)
}

/// The number of a session in passage, as `live` of a site shows it on a node.
fn shown(site: &Site, on: &str) -> Result<String> {
    wait::until(&format!("a session on {on}"), PATIENCE, || {
        let live = site.operator(&["live"])?.success()?.text();
        let row = live
            .lines()
            .find(|line| line.contains(on) && line.contains("alice"));
        Ok(row.and_then(|row| row.split_whitespace().next().map(str::to_owned)))
    })
}

fn detail<'e>(entry: &'e Value, key: &str) -> Option<&'e Value> {
    entry.get("detail")?.get(key)
}

/// Whether an entry is about the session of this number.
fn is_of(entry: &Value, number: &str) -> bool {
    detail(entry, "number").and_then(Value::as_u64) == number.parse().ok()
}

/// I5: a session on another node is listed, is watched there, and ends on an order from here; all of it is in the client's
/// trail.
#[test]
fn i5_a_session_on_another_node_is_listed_and_cut_from_here() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    here.operator(&["watch", &number])?.status_is(1)?.says(&[
        "is in passage on",
        &node(&there),
        &format!(
            "ssh -t -p {} odile@127.0.0.1 watch {number}",
            there.plan().ports.door
        ),
    ])?;
    let began = Instant::now();
    let cut = here
        .operator(&["cut", &number, "--reason", "night is over"])?
        .success()?;
    here.wait_for_target_sessions(0, Duration::from_secs(1))?;
    let ended = running.answer()?.status_is(254)?;
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    ended.says(&["this session was cut by odile", "night is over"])?;
    let told = format!("Cut on {}: session {number}.", node(&there));
    ensure!(cut.text().contains(&told), "{}", cut.text());
    ensure!(cut.text().contains("The intervention is still approved"));

    let ordered = here.shared_audit("cut-ordered")?;
    let [ordered] = ordered.as_slice() else {
        anyhow::bail!("{ordered:?}");
    };
    let cuts = here.shared_audit("cut")?;
    let [cut] = cuts.as_slice() else {
        anyhow::bail!("{cuts:?}");
    };
    for entry in [ordered, cut] {
        ensure!(
            entry["person"] == "odile"
                && entry["client"] == "hopital"
                && entry["reason"] == "night is over"
                && is_of(entry, &number),
            "{entry}"
        );
    }
    ensure!(detail(ordered, "order") == detail(cut, "order"), "{cut}");
    ensure!(
        cut["target"] == "db01" && cut["session"].is_string(),
        "{cut}"
    );
    wait::until_true("the order to be forgotten", PATIENCE, || {
        Ok(here.sql("SELECT count(*) FROM orders")?.trim() == "0")
    })
}

/// I5: a person's handle reaches both nodes, and where they only wait.
#[test]
fn i5_a_person_is_cut_on_both_nodes_and_shown_out_of_both_lobbies() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let (mut one, mut two) = (here.echoing("alice")?, there.echoing("alice")?);
    let lobby = Terminal::of(&there, &there.ssh("alice"), 100, 30)?;
    lobby.sees("écluse>")?;
    let (number_here, number_there) = (shown(&here, &node(&here))?, shown(&here, &node(&there))?);
    let cut = here.operator(&["cut", "alice"])?.success()?.text();
    for running in [&mut one, &mut two] {
        let ended = running.answer()?;
        ended.status_is(254)?.says(&["cut by odile"])?;
    }
    lobby.ends()?;
    for words in [
        format!("Cut: session {number_here}."),
        format!("Cut on {}: session {number_there}.", node(&there)),
        format!("Closed on {}: a connection of alice", node(&there)),
    ] {
        ensure!(cut.contains(&words), "{words}:\n{cut}");
    }
    Ok(())
}

/// O4: operators of another client see nothing of a session on another node, and cut nothing there.
#[test]
fn o4_another_clients_operators_see_and_cut_nothing_on_any_node() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    let key = here.layout().key(OTHER_OPERATOR);
    let other = |words: &[&str]| {
        let ssh = here.lobby(OTHER_OPERATOR, words).key(&key);
        ssh.answer()
    };
    let live = other(&["live"])?.success()?.text();
    ensure!(live.contains("No session is in passage"), "{live}");
    for words in [
        ["cut", number.as_str()],
        ["cut", "alice"],
        ["cut", "db01"],
        ["cut", "all"],
        ["watch", number.as_str()],
    ] {
        other(&words)?
            .status_is(1)?
            .says(&["in passage"])
            .with_context(|| format!("{words:?}"))?;
    }
    running.goes_on()
}

/// I2, I5: what is withdrawn ends on every node.
#[test]
fn i2_a_withdrawn_intervention_ends_its_session_on_another_node() -> Result<()> {
    let (here, there) = two_nodes()?;
    let intervention = here.approved("alice", "db01")?.to_string();
    let mut running = there.echoing("alice")?;
    shown(&here, &node(&there))?;
    let began = Instant::now();
    let said = here
        .operator(&["withdraw", &intervention, "--reason", "done for today"])?
        .success()?;
    running.answer()?.status_is(254)?.says(&[&format!(
        "odile ended intervention #{intervention} before its time"
    )])?;
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    ensure!(said.text().contains("one session ends"), "{}", said.text());
    Ok(())
}

/// I5, O3: the other node serves on. A node that died is not taken for one that lives: its sessions are lost with it, an order to it is not said to be
/// done, and it ends what it left when it is back.
#[test]
fn i5_sessions_of_a_killed_node_are_shown_as_lost_until_it_is_back() -> Result<()> {
    let (here, mut there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    there.kill()?;
    ensure!(running.answer()?.status != Some(0));
    let live = wait::until("a session that is lost", PATIENCE, || {
        let live = here.operator(&["live"])?.success()?.text();
        Ok(live.contains("lost with the node").then_some(live))
    })?;
    let flowing = live.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = format!("session {number} is lost with it");
    ensure!(
        flowing.contains(&told) && live.contains(&node(&there)),
        "{live}"
    );
    here.operator(&["watch", &number])?
        .status_is(1)?
        .says(&["lost with", "nothing to watch"])?;
    here.operator(&["cut", &number])?.status_is(1)?.says(&[
        &node(&there),
        "did not answer",
        "The order stands",
    ])?;
    there.open()?;
    let orphan = here.shared_audit("session-end")?;
    ensure!(
        orphan.iter().any(|entry| {
            is_of(entry, &number) && detail(entry, "recovered") == Some(&Value::Bool(true))
        }),
        "{orphan:?}"
    );
    let live = here.operator(&["live"])?.success()?.text();
    ensure!(live.contains("No session is in passage"), "{live}");
    wait::until_true("an answer to the order", PATIENCE, || {
        let open = here.sql("SELECT count(*) FROM orders WHERE answer IS NULL")?;
        Ok(open.trim() == "0")
    })?;
    // What began after the order is not meant.
    let mut again = there.echoing("alice")?;
    again.goes_on()
}

/// R3: a row that somebody wrote into the store is a cut that nobody ordered.
#[test]
fn r3_an_order_that_the_log_does_not_tell_of_is_not_obeyed() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    shown(&here, &node(&there))?;
    let body = r#"{"order":{"client":"hopital","by":"odile","what":"all","reason":null},"upto":1000,"given-at":0,"nodes":["' || node || '"]}"#;
    here.sql(&format!(
        "INSERT INTO orders (id, node, given_at, seq, salt, body) \
         SELECT '018f0000-0000-7000-8000-000000000001', node, 0, 1, '00', '{body}' FROM sessions WHERE ended_at IS NULL; \
         UPDATE counters SET value = value + 1 WHERE name = 'epoch'"
    ))?;
    let told = wait::until("an entry of it", PATIENCE, || {
        let told = here.shared_audit("not-on-record")?;
        Ok(told.into_iter().next())
    })?;
    ensure!(
        told["client"] == "hopital" && detail(&told, "order").is_some_and(Value::is_string),
        "{told}"
    );
    running.goes_on()?;
    ensure!(here.shared_audit("cut")?.is_empty());
    let pending = here.operator(&["pending"])?.success()?.text();
    let flowing = pending.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        flowing.contains("An order to cut sessions stood in the store"),
        "{pending}"
    );
    Ok(())
}

/// R4, I5: what ends while the store is away is on record when it is back, and nobody shows it as in passage any more.
#[test]
fn r4_a_session_that_ends_while_the_store_is_away_is_not_left_open() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let running = there.echoing("alice")?;
    shown(&here, &node(&there))?;
    here.without_store(|| {
        // The end of the command is the end of the session.
        drop(running);
        here.wait_for_target_sessions(0, PATIENCE)?;
        // Beyond the time for which its end holds anybody up.
        wait::until_true("the end to be kept", PATIENCE, || {
            let log = std::fs::read_to_string(there.layout().logs().join("gateway.err"))?;
            Ok(log.contains("what happened is kept"))
        })
    })?;
    let ended = wait::until("its end on record", PATIENCE, || {
        let ended = here.shared_audit("session-end")?;
        Ok(ended.into_iter().next())
    })?;
    ensure!(
        ended["person"] == "alice" && detail(&ended, "recovered").is_none(),
        "{ended}"
    );
    let live = here.operator(&["live"])?.success()?.text();
    ensure!(live.contains("No session is in passage"), "{live}");
    ensure!(
        here.sql("SELECT count(*) FROM sessions WHERE ended_at IS NULL")?
            .trim()
            == "0"
    );
    wait::until_true("the log-off on record", PATIENCE, || {
        let off = here.shared_audit("log-off")?;
        Ok(off.iter().any(|entry| entry["person"] == "alice"))
    })
}

/// Invariant 6, I2, I5: whoever can connect to the database can say words to every gateway, and silences nothing by them.
#[test]
fn i5_words_that_anybody_can_say_hold_up_no_cut_and_no_withdrawal() -> Result<()> {
    let (here, there) = two_nodes()?;
    let intervention = here.approved("alice", "db01")?.to_string();
    let forge = || {
        here.sql(
            "SELECT count(pg_notify('ecluse_' || md5(current_schema()), g || ' keys')) \
             FROM counters, generate_series(value + 1, value + 100000) g WHERE name = 'epoch'",
        )
    };
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    forge()?;
    let began = Instant::now();
    let cut = here.operator(&["cut", &number])?.success()?;
    running.answer()?.status_is(254)?.says(&["cut by odile"])?;
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    let told = format!("Cut on {}: session {number}.", node(&there));
    ensure!(cut.text().contains(&told), "{}", cut.text());

    let mut own = here.echoing("alice")?;
    forge()?;
    let began = Instant::now();
    here.operator(&["withdraw", &intervention, "--reason", "enough"])?
        .success()?;
    own.answer()?.status_is(254)?.says(&["enough"])?;
    ensure!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    Ok(())
}

/// I2, I5: a row in the table of nodes that does not read hides no session and holds up no act; it is named.
#[test]
fn i5_a_row_that_does_not_read_holds_up_nothing() -> Result<()> {
    let (here, there) = two_nodes()?;
    let intervention = here.approved("alice", "db01")?.to_string();
    let mut running = there.echoing("alice")?;
    let mut own = here.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    here.sql(
        "INSERT INTO nodes VALUES ('evil', 'not an address !', 0), ('old', '127.0.0.1:99', -9223372036854775800)",
    )?;
    shown(&here, &node(&here))?;
    here.operator(&["cut", &number])?.success()?;
    running.answer()?.status_is(254)?.says(&["cut by odile"])?;
    own.goes_on()?;
    here.operator(&["withdraw", &intervention, "--reason", "enough"])?
        .success()?;
    own.answer()?.status_is(254)?.says(&["enough"])?;
    let verified = here.gateway().try_run(["journal", "verify"], "")?;
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    ensure!(
        verified.status.code() == Some(4) && said.contains("the row of the gateway evil"),
        "{said}"
    );
    Ok(())
}

/// R3: a recording on another node's disk is not missing here; a cut by an order accuses nobody.
#[test]
fn r3_what_another_node_recorded_is_named_there_and_not_missing_here() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    here.operator(&["cut", &number])?.success()?;
    running.answer()?.status_is(254)?;
    wait::until_true("the seal", PATIENCE, || {
        Ok(!here.shared_audit("recording-sealed")?.is_empty())
    })?;
    let lies = format!(
        "1 recording lies on the disk of the gateway {}",
        node(&there)
    );
    let said = here.gateway().run(["journal", "verify"], "")?;
    ensure!(said.contains(&lies), "{said}");
    let said = there.gateway().run(["journal", "verify"], "")?;
    ensure!(!said.contains("lies on the disk"), "{said}");
    Ok(())
}

/// R6: a gateway whose clock is not the store's would close what is open for others; it does not begin.
#[test]
fn r6_a_gateway_whose_clock_is_apart_does_not_start() -> Result<()> {
    let (here, mut there) = two_nodes()?;
    there.close()?;
    let clock = Clock::movable(there.layout().root().join("moved"))?;
    clock.advance(3 * 3600)?;
    let mut serve = there.gateway().command(["serve"]);
    let refused = serve.envs(clock.environment()?).output()?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(1) && said.contains("s ahead of the clock of the store's"),
        "{said}"
    );
    ensure!(here.shared_audit("clock-jump")?.is_empty());
    Ok(())
}
