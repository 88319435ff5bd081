//! Gateways that are taken out: one that does not come back, and one that lives. R4, I5.

use std::fs;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use ecluse_tests::gateway::Gateway;
use ecluse_tests::{Site, ports, wait};

use super::{PATIENCE, is_of, node, shown, two_nodes};

/// R4, I5: a node that does not come back is taken out by an administrator, on record, and nobody speaks of it any more.
#[test]
fn r4_a_node_that_does_not_come_back_is_taken_out() -> Result<()> {
    let (here, mut there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    let remove = ["nodes", "remove", &node(&there)];
    let lives = here.gateway().try_run(remove, "")?;
    let said = String::from_utf8_lossy(&lives.stderr).into_owned();
    ensure!(
        lives.status.code() == Some(1) && said.contains("was heard of"),
        "{said}"
    );
    // Nor is it by a copy of its data directory that says it is reached at the same address.
    let copy = copy_begins(&there)?;
    let said = String::from_utf8_lossy(&copy.stderr).into_owned();
    ensure!(
        copy.status.code() == Some(1) && said.contains("write another name (one line) into"),
        "{said}"
    );
    running.goes_on()?;
    let ends = here.shared_audit("session-end")?;
    ensure!(!ends.iter().any(|end| is_of(end, &number)), "{ends:?}");
    there.kill()?;
    drop(running);
    wait::until_true("a session that is lost", PATIENCE, || {
        let live = here.operator(&["live"])?.success()?.text();
        Ok(live.contains("lost with the node"))
    })?;
    let listed = here.gateway().run(["nodes"], "")?;
    ensure!(listed.contains("lost: not heard of for"), "{listed}");
    let said = here.gateway().run(remove, "")?;
    let told = format!("Ended on record as lost with it: session {number}.");
    ensure!(said.contains(&told), "{said}");
    let live = here.operator(&["live"])?.success()?.text();
    ensure!(live.contains("No session is in passage"), "{live}");
    here.operator(&["cut", "db01"])?
        .status_is(1)?
        .says(&["in passage"])?;
    ensure!(!here.shared_audit("node-removed")?.is_empty());
    // It begins anew, and seals what lies on its disk.
    there.open()?;
    wait::until_true("the seal", PATIENCE, || {
        Ok(!here.shared_audit("recording-sealed")?.is_empty())
    })?;
    here.gateway().run(["journal", "verify"], "")?;
    Ok(())
}

/// What comes of a copy of a gateway's data directory, on a port of its own, that says it is reached where the original is.
fn copy_begins(original: &Site) -> Result<Output> {
    let layout = original.layout();
    let (config, data) = (
        layout.root().join("copied-config"),
        layout.root().join("copied-data"),
    );
    for (from, to) in [(layout.config(), &config), (layout.data(), &data)] {
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
        ensure!(copied.success(), "cp failed");
    }
    let settings = config.join("gateway.toml");
    let text = fs::read_to_string(&settings)?
        .replace(
            &layout.data().display().to_string(),
            &data.display().to_string(),
        )
        .replace(
            &node(original),
            &format!("127.0.0.1:{}", ports::free_port()?),
        );
    let text = format!("{text}\n[node]\naddress = \"{}\"\n", node(original));
    fs::write(&settings, text)?;
    Gateway::find(&settings)?.try_run(["serve"], "")
}

/// R4: a gateway of which the store does not hear and that is taken out while it lives ends what it carries, and the record
/// says that its ends were none.
#[test]
fn r4_a_node_that_is_taken_out_while_it_lives_ends_its_sessions() -> Result<()> {
    let (here, there) = two_nodes()?;
    here.approved("alice", "db01")?;
    let mut running = there.echoing("alice")?;
    let number = shown(&here, &node(&there))?;
    let of_there = node(&there);
    let name = here.sql(&format!(
        "SELECT name FROM nodes WHERE address = '{of_there}'"
    ))?;
    // Its row does not read: it renews it, and is not taken out.
    here.sql("UPDATE nodes SET address = 'not an address !'")?;
    let lives = here
        .gateway()
        .try_run(["nodes", "remove", name.trim()], "")?;
    let said = String::from_utf8_lossy(&lives.stderr).into_owned();
    ensure!(
        lives.status.code() == Some(1) && said.contains("was heard of"),
        "{said}"
    );
    running.goes_on()?;
    let own = there
        .gateway()
        .try_run(["nodes", "remove", name.trim()], "")?;
    let said = String::from_utf8_lossy(&own.stderr).into_owned();
    ensure!(said.contains("data directory's own and serves"), "{said}");
    // The store hears nothing of it from here on.
    here.sql(&format!(
        "CREATE FUNCTION silent() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER silent BEFORE INSERT ON nodes FOR EACH ROW WHEN (NEW.address = '{of_there}') EXECUTE FUNCTION silent(); \
         UPDATE nodes SET renewed_at = renewed_at - 11000000 WHERE name = '{}'",
        name.trim()
    ))?;
    let said = there.gateway().run(["nodes"], "")?;
    ensure!(
        said.contains("serving, but the store has not heard of it"),
        "{said}"
    );
    let said = here.gateway().run(["nodes", "remove", name.trim()], "")?;
    ensure!(said.contains(&format!("session {number}.")), "{said}");
    running
        .answer()?
        .status_is(254)?
        .says(&["was ended on record", "had been taken out"])?;
    here.wait_for_target_sessions(0, PATIENCE)?;
    wait::until_true("the true end", PATIENCE, || {
        Ok(!here.shared_audit("session-outlived")?.is_empty())
    })?;
    let outlived = here.shared_audit("session-outlived")?;
    let [outlived] = outlived.as_slice() else {
        anyhow::bail!("{outlived:?}");
    };
    ensure!(is_of(outlived, &number), "{outlived}");
    let said = here.gateway().run(["journal", "verify"], "")?;
    ensure!(
        said.contains(&format!("session #{number} went on after entry")),
        "{said}"
    );
    let live = here.operator(&["live"])?.success()?.text();
    ensure!(live.contains("No session is in passage"), "{live}");
    let told = here.operator(&["pending"])?.success()?.text();
    ensure!(
        told.contains("went on after its end was on record"),
        "{told}"
    );
    Ok(())
}
