//! Stock programs, each as its author made it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Result, ensure};
use ecluse_tests::{client, peers};

use super::{ALL, Ground, PATIENCE, noise};

/// Everything that OpenSSH's `sftp` can do, with the bytes on disk that it makes.
#[test]
fn openssh_sftp_does_what_the_matrix_lists() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let sent = noise(5 << 20);
    fs::write(ground.at("here/sent"), &sent)?;
    fs::write(ground.at("here/caf\u{e9}"), "name")?;
    ground
        .sftp(
            "cd @/in\nls -l\nlcd @/here\nget file\nput sent\nput -p sent twice\nrename twice again\nmkdir new\n\
             put caf\u{e9} new/caf\u{e9}\nln -s @/in/file new/own\nchmod 600 again\nreget file\nrm dir/small\nrmdir dir\ndf\nbye\n",
        )?
        .success()?;
    ensure!(ground.holds("here/file")? == ground.holds("in/file")?);
    ensure!(ground.holds("in/sent")? == sent && ground.holds("in/again")? == sent);
    ensure!(ground.holds("in/new/caf\u{e9}")? == b"name");
    ensure!(ground.holds("in/new/own")? == ground.holds("in/file")?);
    let mode = fs::metadata(ground.at("in/again"))?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "{mode:o}");
    ensure!(!fs::exists(ground.at("in/twice"))? && !fs::exists(ground.at("in/dir"))?);
    Ok(())
}

/// `scp`, which speaks SFTP: one file each way, folders, and what is not there.
#[test]
fn openssh_scp_copies_both_ways() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let sent = noise(2 << 20);
    fs::create_dir_all(ground.at("here/tree/deep"))?;
    fs::write(ground.at("here/tree/a"), &sent)?;
    fs::write(ground.at("here/tree/deep/empty"), "")?;
    ground.scp(&["-p"], ":in/file", "here/file")?.success()?;
    ensure!(ground.holds("here/file")? == ground.holds("in/file")?);
    ground.scp(&["-r"], "here/tree", ":in/tree")?.success()?;
    ensure!(ground.holds("in/tree/a")? == sent && ground.holds("in/tree/deep/empty")?.is_empty());
    ground.scp(&["-r"], ":in/tree", "here/back")?.success()?;
    ensure!(ground.holds("here/back/a")? == sent);
    let missing = ground.scp(&[], ":in/nothing", "here/nothing")?;
    ensure!(
        missing.status == Some(1) && missing.errors.contains("No such file"),
        "{missing:?}"
    );
    Ok(())
}

/// paramiko, whose `get` asks for everything at once, and which shows the words of a refusal.
#[test]
fn paramiko_copies_and_shows_the_words() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let root = ground.root()?.display().to_string();
    peers::run(&ground.site, "paramiko_sftp", &["alice+db01", &root])?.success()?;
    ensure!(ground.holds("in/by-paramiko")? == ground.holds("in/file")?);
    Ok(())
}

/// rclone copies a tree both ways and finds nothing to do the second time.
#[test]
fn rclone_copies_and_compares() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let layout = ground.site.layout();
    fs::create_dir_all(ground.at("here/many"))?;
    for number in 0..40 {
        fs::write(
            ground.at(&format!("here/many/{number}")),
            noise(number * 100),
        )?;
    }
    let remote = format!(
        ":sftp,host=127.0.0.1,port={},user=alice+db01,key_use_agent=true,known_hosts_file=\"{}\",shell_type=none:{}/in/many",
        ground.site.plan().ports.door,
        layout.known_hosts().display(),
        ground.root()?.display(),
    );
    let script = format!(
        "ssh-add -q '{}' '{}'; rclone --config /dev/null -v --sftp-disable-hashcheck copy '{here}' '{remote}' && \
         rclone --config /dev/null check --size-only '{here}' '{remote}'",
        layout.key("ws-1").display(),
        layout.key("alice").display(),
        here = ground.at("here/many"),
    );
    client::run(
        Command::new("ssh-agent")
            .args(["sh", "-c", &script])
            .env("HOME", layout.root()),
        b"",
        PATIENCE,
    )?
    .success()?;
    for number in [0_u64, 1, 39] {
        ensure!(ground.holds(&format!("in/many/{number}"))? == noise(number * 100));
    }
    Ok(())
}
