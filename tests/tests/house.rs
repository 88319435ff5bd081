//! The check of where a line may stand, as `.ci/run` makes it: it finds what it is there for, and says where.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ecluse_tests::peers::repository;

/// What the check says of a tree that holds these files and no others.
fn check(files: &[(&str, &str)]) -> Result<(bool, String)> {
    let tree = tempfile::tempdir()?;
    for (path, text) in files {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().context("a file stands in a room")?)?;
        fs::write(path, text)?;
    }
    let output = Command::new(repository().join("tests/house"))
        .arg(tree.path())
        .output()
        .context("the check cannot be run: it needs bash")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.success(), said))
}

#[test]
fn a_line_in_the_wrong_room_is_found() -> Result<()> {
    let long = "// a line\n".repeat(501);
    let cases = [
        (
            "gateway/src/passage/pump.rs",
            "use russh::Sig;\n",
            "The SSH library",
        ),
        (
            "recordings/src/lib.rs",
            "use russh::Sig;\n",
            "The SSH library",
        ),
        (
            "gateway/src/faces/commands/check.rs",
            "use crate::terminal::Terminal;\n",
            "A Terminal",
        ),
        (
            "gateway/src/passage/story.rs",
            "use crate::terminal::Terminal;\n",
            "A Terminal",
        ),
        (
            "gateway/src/deeds/live.rs",
            "use crate::faces::lobby::words;\n",
            "A deed has no face",
        ),
        (
            "gateway/src/faces/lobby/listing.rs",
            "    let own = desk.gateway.store.interventions(&own).await?;\n",
            "The lobby keeps nothing",
        ),
        (
            "gateway/src/passage/story.rs",
            "TcpStream::connect(typed)\n",
            "reach::dial",
        ),
        (
            "policy/src/flow.rs",
            "use std::fs::File;\n",
            "Policy decides",
        ),
        (
            "gateway/src/store/mod.rs",
            long.as_str(),
            "500 lines at most",
        ),
    ];
    for (path, text, rule) in cases {
        let (passes, said) = check(&[(path, text)])?;
        ensure!(!passes, "{path} passes with {text:?}");
        ensure!(said.contains(rule), "{rule:?} is not said in:\n{said}");
        ensure!(said.contains(path), "{path} is not named in:\n{said}");
    }
    Ok(())
}

#[test]
fn a_line_in_its_room_is_none_of_its_business() -> Result<()> {
    let files = [
        (
            "gateway/src/ssh/target/mod.rs",
            "use russh::Sig;\nTcpStream::connect(address)\n",
        ),
        ("gateway/src/passage/uplink/tests.rs", "use russh::Sig;\n"),
        (
            "gateway/src/faces/lobby/desk.rs",
            "use crate::terminal::Terminal;\n",
        ),
        ("gateway/src/deeds/live.rs", "use crate::store::Store;\n"),
        ("policy/src/flow.rs", "use std::net::IpAddr;\n"),
    ];
    let (passes, said) = check(&files)?;
    ensure!(passes, "{said}");
    Ok(())
}
