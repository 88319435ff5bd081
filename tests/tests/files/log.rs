//! What is on record of files: found, read and verified as any recording is. R1, R2, R7.

use anyhow::{Context, Result, ensure};
use ecluse_tests::{payload, recording, store, wait};

use super::{ALL, Ground, PATIENCE};

/// Each file with its path, size, coverage and digest, in the search, in the transcript and in the sealed file; the recording
/// verifies.
#[test]
fn every_file_is_in_the_sealed_log_and_found() -> Result<()> {
    let ground = Ground::start(ALL)?;
    let digest = payload::digest(&ground.holds("in/file")?);
    std::fs::write(ground.at("here/sent"), "sent")?;
    let sent = payload::digest(b"sent");
    let answer = ground.sftp(
        "get @/in/file @/here/file\nput @/here/sent @/in/sent\n-get @/out/secret @/here/secret\nrename @/in/sent @/in/kept\nrm @/in/kept\n",
    )?;
    ensure!(answer.status == Some(0), "{answer:?}");
    let root = ground.root()?.display().to_string();
    let find = |words: &[&str]| -> Result<String> {
        let mut all = vec!["search"];
        all.extend(words);
        let at = ground.site.auditor(&all)?;
        Ok(at.text())
    };
    wait::until_sealed("the file found by its name", || {
        let found = find(&["in/file", "--in", "file"])?.contains("in/file");
        Ok(found.then_some(()))
    })?;
    ensure!(find(&[&digest[..24], "--in", "file"])?.contains("in/file"));
    // By its way and by how much passed, without a word of it; what was refused too.
    for (words, hits, misses) in [
        (
            &["--in", "file", "--way", "out"][..],
            &["read", "in/file ·"][..],
            &["in/sent ·"][..],
        ),
        (
            &["--way", "in"],
            &["write", "in/sent ·"],
            &["in/file ·", "out/secret"],
        ),
        (
            &["--larger", "200KiB"],
            &["in/file ·"],
            &["in/sent ·", "out/secret"],
        ),
        (
            &["--in", "file", "--way", "in", "--larger", "200KiB"],
            &["Nothing found"],
            &["in/file ·", "in/sent ·"],
        ),
        (
            &["sent", "--in", "file"],
            &["in/sent ·", "rename"],
            &["out/secret"],
        ),
        (
            &["--in", "file"],
            &["in/sent ·", "rename", "out/secret", "remove"],
            &[],
        ),
    ] {
        let text = find(words)?;
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = text.join(" ").replace(['«', '»'], "");
        ensure!(
            hits.iter().all(|hit| text.contains(hit)),
            "{words:?}: {text}"
        );
        ensure!(
            !misses.iter().any(|miss| text.contains(miss)),
            "{words:?}: {text}"
        );
    }
    let misused = ground
        .site
        .auditor(&["search", "--in", "screen", "--way", "out"])?;
    ensure!(
        misused.status == Some(2) && misused.errors.contains("files and forwards alone"),
        "{misused:?}"
    );
    let searches = store::audit(&ground.site, "search")?;
    let asked = searches.iter().map(|one| &one["detail"]);
    ensure!(
        asked
            .clone()
            .any(|asked| asked["way"] == "out" && asked["in"] == "file"),
        "{searches:?}"
    );
    ensure!(
        asked.clone().any(|asked| asked["larger"] == "200 KiB"),
        "{searches:?}"
    );
    let casts = wait::until("the sealed log", PATIENCE, || {
        let casts = recording::sealed(&ground.site.layout().recordings(), "-sftp.cast")?;
        Ok((!casts.is_empty()).then_some(casts))
    })?;
    let cast = recording::plain(casts.first().context("no cast")?)?;
    let cast = String::from_utf8_lossy(&cast).replace("\\\"", "\"");
    for wanted in [
        format!("\"operation\":\"read\",\"path\":\"{root}/in/file\""),
        format!("\"sha256\":\"{digest}\""),
        format!("\"sha256\":\"{sent}\""),
        "\"read\":{\"bytes\":300000,\"extent\":\"whole\"},\"size\":300000".to_owned(),
        "\"written\":{\"bytes\":4,\"extent\":\"whole\"}".to_owned(),
        format!("\"operation\":\"rename\",\"path\":\"{root}/in/sent\",\"to\":\"{root}/in/kept\""),
        format!("\"operation\":\"remove\",\"path\":\"{root}/in/kept\""),
        format!("\"path\":\"{root}/out/secret\",\"outcome\":\"refused\""),
    ] {
        ensure!(cast.contains(&wanted), "{wanted}: {cast}");
    }
    // As text it says the same, in order.
    let told = ground.site.auditor(&["replay", "2", "--text"])?.text();
    let told: Vec<&str> = told.split_whitespace().collect();
    let told = told.join(" ");
    for wanted in [
        format!("read {root}/in/file · ↓ 300000 bytes, whole · sha256 {digest}"),
        format!("rename {root}/in/sent → {root}/in/kept"),
    ] {
        ensure!(told.contains(&wanted), "{wanted}: {told}");
    }
    // The bytes themselves are exact, in the streams beside it.
    let raw = recording::sealed(&ground.site.layout().recordings(), "-sftp.output.raw")?;
    let raw = recording::plain(raw.first().context("no raw stream")?)?;
    let file = ground.holds("in/file")?;
    ensure!(raw.windows(4_096).any(|part| part == &file[..4_096]));
    let verified = ground
        .site
        .gateway()
        .run(["journal", "verify", "--contents"], "")?;
    ensure!(verified.contains("intact"), "{verified}");
    Ok(())
}
